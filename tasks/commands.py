"""What the commands of `python -m tasks` do; the numbers returned are exit statuses."""

import sys
import threading

import click
from sqlalchemy.exc import SQLAlchemyError

from contracts.database import Database, describe_error, make_engine
from contracts.settings import Settings
from tasks.batch_progress import BatchProgress, interruptible, progress_display
from tasks.batches import Batches

INTERRUPTED = 130


def batch(settings: Settings, *, detach: bool) -> int:
    """Ask for a batch and, unless detached, watch it to its end. Raises SystemExit with what to mend."""
    if settings.consumes_kafka:
        raise SystemExit("No batch is needed: KAFKA_MODE is on, thoughts are analysed as they come.")
    batches = Batches(Database(make_engine(settings.database_url, "batch command")))
    try:
        with interruptible() as interrupted:
            asked = batches.request()
            click.echo(f"Batch {asked.id} is asked for{'' if asked.is_new else ' already, and serves you too'}.")
            return 0 if detach else _show_until_done(batches, asked.id, interrupted)
    except SQLAlchemyError as away:
        raise SystemExit(f"PostgreSQL did not answer: {describe_error(away)}") from None


def _show_until_done(batches: Batches, number: int, interrupted: threading.Event) -> int:
    watch = BatchProgress(batches, number, interrupted.wait)
    with progress_display(batches.progress(number).open, terminal=sys.stdout.isatty()) as show:
        ended = watch.run(show)
    if not ended:
        click.echo(f"Batch {number} goes on by itself; nothing was stopped.")
        return INTERRUPTED
    failed = batches.failed(number)
    told = f"; {failed} of them failed, `python -m bridge dead-letters list` says why" if failed else ""
    click.echo(f"Batch {number} has ended: {watch.meter.total} thoughts{told}.")
    return 0
