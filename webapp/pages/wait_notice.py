"""Says what an unfinished thought waits for: what must happen before its analysis starts or continues."""

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from contracts.batch_schedule import BatchSchedule
from contracts.settings import Settings
from webapp.queries import is_in_running_batch
from webapp.readiness.waits import Wait, batch_wait, continue_wait, start_wait
from webapp.services import Services

BATCH_RUNNING: Final = "The batch is running."


def wait_notice(services: Services, created_at: datetime | None = None) -> Wait:
    """Return what a queued thought waits for.

    `created_at` is its time, or None for one that is not written yet. Raises SQLAlchemyError when PostgreSQL is
    unavailable.
    """
    findings = services.readiness.findings()
    if services.settings.consumes_kafka:
        return start_wait(services.settings, findings)
    if created_at and is_in_running_batch(services.database, created_at):
        return continue_wait(findings) or Wait(BATCH_RUNNING, "slow")
    next_batch = f"The next batch starts {next_batch_time(services.settings, datetime.now(UTC))}."
    return batch_wait(findings) or Wait(next_batch, "slow")


def interruption_notice(services: Services) -> Wait:
    """Return why the analysis of a thought that has begun cannot continue now."""
    return continue_wait(services.readiness.findings())


def next_batch_time(settings: Settings, now: datetime) -> str:
    """Return when beat requests the next batch, by the same calculation."""
    schedule: BatchSchedule = BatchSchedule.from_string(settings.batch_schedule)
    zone = ZoneInfo(settings.timezone)
    starts_at = schedule.next_run(now, zone).astimezone(zone)
    return f"on {starts_at.day} {starts_at:%B} at {starts_at:%H:%M} ({settings.timezone})"
