"""The commands of `python -m tasks`."""

import signal
import sys
import threading

import click

from contracts.cli import INTERRUPTED, with_settings
from contracts.database import Database, exit_on_database_error, make_engine
from contracts.database_check import require_usable_database
from contracts.settings import Settings
from contracts.signals import stop_on
from tasks.batch_progress import BatchProgress, progress_display
from tasks.batches import Batches


@click.group()
def tasks() -> None:
    """Request batches by hand. Workers and beat are started with `celery -A tasks`."""


@tasks.command()
@click.option("--detach", is_flag=True, help="Request the batch and return at once.")
@with_settings
def batch(settings: Settings, *, detach: bool) -> int:
    """Analyse every waiting thought now, with a progress bar.

    For batch mode (KAFKA_MODE=false), where thoughts wait for the nightly batch (BATCH_SCHEDULE).
    """
    if settings.consumes_kafka:
        raise SystemExit("No batch is needed: KAFKA_MODE is on, so thoughts are analysed as they arrive.")
    require_usable_database(settings.database_url)
    batches = Batches(Database(make_engine(settings.database_url, "batch command")))
    with exit_on_database_error(), stop_on(signal.SIGINT) as interrupted:
        requested = batches.request()
        note = "is requested" if requested.is_new else "was already requested, and includes your thoughts"
        click.echo(f"Batch {requested.id} {note}.")
        return 0 if detach else _show_until_done(batches, requested.id, interrupted)


def _show_until_done(batches: Batches, batch_id: int, interrupted: threading.Event) -> int:
    progress = BatchProgress(batches, batch_id, interrupted.wait, open_at_start=batches.progress(batch_id).open)
    with progress_display(progress.meter.total, terminal=sys.stdout.isatty()) as show:
        ended = progress.run(show)
    if not ended:
        click.echo(f"Interrupted. Batch {batch_id} continues in the background.")
        return INTERRUPTED
    failed = batches.failed(batch_id)
    failures = f"; {failed} of them failed, see `python -m bridge dead-letters list`" if failed else ""
    total = progress.meter.total
    click.echo(f"Batch {batch_id} has ended: {total} thought{'' if total == 1 else 's'}{failures}.")
    return 0
