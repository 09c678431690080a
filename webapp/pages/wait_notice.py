"""What has to happen before a thought in the line is begun, as a sentence for its author."""

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from celery.schedules import ParseException, crontab
from celery.utils.time import remaining
from sqlalchemy import text

from contracts.settings import Settings
from webapp.queries import read
from webapp.services import Services

KAFKA_UNAVAILABLE: Final = "Kafka is unavailable; the analysis starts when it is back."
BATCH_RUNNING: Final = "The batch is running."

RUNNING_BATCH: Final = text("""
    SELECT FROM batches WHERE begun_at IS NOT NULL AND ended_at IS NULL AND asked_at >= :created_at
""")
"""Batches at work that this thought belongs to; what was written later waits for the next one."""


def wait_notice(services: Services, created_at: datetime | None = None) -> str:
    """The sentence; empty where nothing has to happen first. `created_at` is the waiting thought's, or None for one
    that is yet to be written.

    Raises SQLAlchemyError.
    """
    if services.settings.consumes_kafka:
        return "" if services.kafka_probe.is_reachable else KAFKA_UNAVAILABLE
    if created_at and read(services.database, RUNNING_BATCH, created_at=created_at):
        return BATCH_RUNNING
    return f"The next batch begins {next_batch_time(services.settings, datetime.now(UTC))}."


def next_batch_time(settings: Settings, now: datetime) -> str:
    """When beat asks for it, reckoned by Celery as beat does: cron itself, and its libraries, differ in some lines."""
    try:
        schedule = crontab.from_string(settings.batch_schedule)
    except (ParseException, ValueError):
        return "when somebody asks for it"  # beat has refused to start with this line
    schedule.nowfun, schedule.tz = lambda: now, ZoneInfo(settings.timezone)
    begins = (now + remaining(*schedule.remaining_delta(now))).astimezone(schedule.tz)
    return f"on {begins.day} {begins:%B} at {begins:%H:%M} ({settings.timezone})"
