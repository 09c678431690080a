"""Tells the author of a queued thought what must happen before its analysis starts."""

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from celery.schedules import ParseException

from contracts.batch_schedule import BatchSchedule
from contracts.settings import Settings
from webapp.queries import is_in_running_batch
from webapp.services import Services

KAFKA_UNAVAILABLE: Final = "Kafka is unavailable; the analysis starts when it is back."
BATCH_RUNNING: Final = "The batch is running."


def wait_notice(services: Services, created_at: datetime | None = None) -> str:
    """Return the notice, or an empty string when nothing must happen first.

    `created_at` is the time of the queued thought, or None for one that is not written yet. Raises SQLAlchemyError when
    PostgreSQL is unavailable.
    """
    if services.settings.consumes_kafka:
        return "" if services.kafka_probe.is_reachable else KAFKA_UNAVAILABLE
    if created_at and is_in_running_batch(services.database, created_at):
        return BATCH_RUNNING
    return f"The next batch starts {next_batch_time(services.settings, datetime.now(UTC))}."


def next_batch_time(settings: Settings, now: datetime) -> str:
    """Return when beat requests the next batch, by the same calculation."""
    try:
        schedule: BatchSchedule = BatchSchedule.from_string(settings.batch_schedule)
    except (ParseException, ValueError):
        return "when an operator requests it"  # beat refuses to start with such a schedule
    zone = ZoneInfo(settings.timezone)
    starts_at = schedule.next_run(now, zone).astimezone(zone)
    return f"on {starts_at.day} {starts_at:%B} at {starts_at:%H:%M} ({settings.timezone})"
