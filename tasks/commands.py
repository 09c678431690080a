"""What the commands of `python -m tasks` do; the numbers returned are exit statuses."""

import sys
import threading

import click
from sqlalchemy.exc import SQLAlchemyError

from contracts.database import Database, make_engine, why
from contracts.settings import Settings
from tasks.batch_progress import Watch, interruptible, shown
from tasks.batches import Batches

INTERRUPTED = 130


def batch(settings: Settings, *, detach: bool) -> int:
    """Ask for a batch and, unless detached, watch it to its end. Raises SystemExit with what to mend."""
    if settings.takes_from_kafka:
        raise SystemExit("No batch is needed: KAFKA_MODE is on, thoughts are analysed as they come.")
    batches = Batches(Database(make_engine(settings.database_url, "batch command")))
    try:
        with interruptible() as interrupted:
            asked = batches.request()
            click.echo(f"Batch {asked.id} is asked for{'' if asked.fresh else ' already, and serves you too'}.")
            return 0 if detach else _watched(batches, asked.id, interrupted)
    except SQLAlchemyError as away:
        raise SystemExit(f"PostgreSQL did not answer: {why(away)}") from None


def _watched(batches: Batches, number: int, interrupted: threading.Event) -> int:
    watch = Watch(batches, number, interrupted.wait)
    with shown(batches.progress(number).open, terminal=sys.stdout.isatty()) as show:
        ended = watch.run(show)
    if not ended:
        click.echo(f"Batch {number} goes on by itself; nothing was stopped.")
        return INTERRUPTED
    failed = batches.failed(number)
    told = f"; {failed} of them failed, `python -m bridge dead-letters list` says why" if failed else ""
    click.echo(f"Batch {number} has ended: {watch.meter.total} thoughts{told}.")
    return 0
