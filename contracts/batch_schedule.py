"""beat and web: when the next batch is due, also where a change of clocks skips or repeats a local time. Pure.

Celery's own calculation loses up to a day around such a change, and after one its `*/20` pauses for 80 minutes. Beat
and the page use this one, so the page announces what beat does. The rules are those of cron:

- A local time that is skipped is replaced by the time as much later as the clocks go forward.
- A local time that is repeated counts twice only for a schedule that is due again within the time that repeats, or
  within an hour: `*/20` keeps its rhythm, and a nightly batch runs once, at the first of the two times.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final

from celery.schedules import crontab

HORIZONS: Final = (timedelta(hours=3), timedelta(days=2), timedelta(days=62), timedelta(days=366 * 60))
"""How far ahead the next run is searched, one after the other. The last one contains every date that exists: 29
February falls on each day of the week at least once in 40 years."""

LARGEST_CHANGE: Final = timedelta(hours=26)
"""More than clocks have ever changed at once: Samoa skipped a day."""

FULL_HOUR: Final = timedelta(hours=1)


class BatchSchedule(crontab):  # type: ignore[misc]  # Celery has no type hints
    """BATCH_SCHEDULE. Beat calls `remaining_estimate`, with the time zone of its application."""

    def remaining_estimate(self, last_run_at: datetime, ffwd: Any = None) -> timedelta:  # noqa: ARG002  Celery's own
        """Return how long it is until the first run after `last_run_at`; negative when that is past."""
        now: datetime = self.maybe_make_aware(self.now())
        return self.next_run(self.maybe_make_aware(last_run_at), self.tz) - now.astimezone(UTC)

    def next_run(self, after: datetime, zone: tzinfo) -> datetime:
        """Return the first run after an aware time, in UTC. Raises ValueError for a date that never comes."""
        for horizon in HORIZONS:
            runs = self.runs(after, after.astimezone(UTC) + horizon, zone)
            if (first := min(runs, default=None)) is not None:
                return first
        raise ValueError("no day matches the schedule")

    def runs(self, after: datetime, until: datetime, zone: tzinfo) -> set[datetime]:
        """Return the runs after `after` and not after `until`, in UTC."""
        start, end = after.astimezone(UTC), until.astimezone(UTC)
        margin = _largest_change(start, end, zone)
        times = self._local_times(_local(start, zone) - margin, _local(end, zone) + margin)
        return {run for local in times for run in self._runs_at(local, zone) if start < run <= end}

    def _local_times(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Yield the times from `start` to `end` that match, as local times without a zone."""
        hours, minutes = sorted(self.hour), sorted(self.minute)
        for number in range(start.date().toordinal(), end.date().toordinal() + 1):
            day = date.fromordinal(number)
            if self._matches(day):
                midnight = datetime.combine(day, time.min)
                times = (midnight.replace(hour=hour, minute=minute) for hour in hours for minute in minutes)
                yield from (local for local in times if start <= local <= end)

    def _matches(self, day: date) -> bool:
        return (
            day.month in self.month_of_year
            and day.day in self.day_of_month
            and day.isoweekday() % 7 in self.day_of_week
        )

    def _runs_at(self, local: datetime, zone: tzinfo) -> Iterator[datetime]:
        """Yield the run, or two runs, at a local time. The first reading of a skipped time is already the later one."""
        first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        yield first
        if first < second and self._is_due_within(max(second - first, FULL_HOUR), local):
            yield second

    def _is_due_within(self, span: timedelta, local: datetime) -> bool:
        """Return whether another local time that matches is at most `span` away."""
        return any(other != local for other in self._local_times(local - span, local + span))


def _local(moment: datetime, zone: tzinfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def _largest_change(start: datetime, end: datetime, zone: tzinfo) -> timedelta:
    """Return by how much the clocks may change around a period: nothing, where the offset is the same at both ends.

    A minute's schedule has thousands of times in LARGEST_CHANGE.
    """
    if end - start > HORIZONS[0]:
        return LARGEST_CHANGE
    edges = (start - LARGEST_CHANGE, start, end, end + LARGEST_CHANGE)
    offsets = {edge.astimezone(zone).utcoffset() for edge in edges}
    return timedelta(0) if len(offsets) == 1 else LARGEST_CHANGE
