"""The next batch around changes of the clocks, in every zone of the tz database: no server is needed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest

from contracts.batch_schedule import BatchSchedule

YEARS = range(2024, 2030)
HOUR = timedelta(hours=1)


def schedule(line: str) -> BatchSchedule:
    parsed: BatchSchedule = BatchSchedule.from_string(line)
    return parsed


def local_runs(line: str, zone: str, start: str, end: str) -> list[str]:
    """Return the runs between two times of UTC as local times, with their offset."""
    after, until = (datetime.fromisoformat(time).replace(tzinfo=UTC) for time in (start, end))
    runs = sorted(schedule(line).runs(after, until, ZoneInfo(zone)))
    return [f"{run.astimezone(ZoneInfo(zone)):%d %H:%M%z}" for run in runs]


@cache
def zones() -> dict[str, ZoneInfo]:
    """Return the zones of the tz database whose clocks change, one of those that change alike."""
    distinct: dict[object, str] = {}
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        offsets = tuple((change, offset(change, zone), offset(change + HOUR, zone)) for change in changes(zone))
        distinct.setdefault(offsets, name)
    return {name: ZoneInfo(name) for name in distinct.values()}


@cache
def changes(zone: ZoneInfo) -> list[datetime]:
    """Return the hours before the changes of a zone's clocks, in UTC."""
    return list(_changes(zone))


def _changes(zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the hours before the changes of a zone's clocks, in UTC."""
    hour = datetime(YEARS.start, 1, 1, tzinfo=UTC)
    while hour.year in YEARS:
        step = 24 * HOUR if offset(hour, zone) == offset(hour + 24 * HOUR, zone) else HOUR
        if offset(hour, zone) != offset(hour + step, zone) and step == HOUR:
            yield hour
        hour += step


def offset(time: datetime, zone: ZoneInfo) -> timedelta:
    return time.astimezone(zone).utcoffset() or timedelta(0)


@pytest.mark.parametrize(
    ("zone", "line", "start", "end", "expected"),
    [
        ("Europe/Berlin", "30 2 * * *", "2026-03-28T12:00", "2026-03-30T12:00", ["29 03:30+0200", "30 02:30+0200"]),
        ("Europe/Berlin", "30 2 * * *", "2026-10-24T12:00", "2026-10-26T12:00", ["25 02:30+0200", "26 02:30+0100"]),
        ("Europe/Berlin", "0 0 * * sun", "2026-10-24T12:00", "2026-11-01T12:00", ["25 00:00+0200", "01 00:00+0100"]),
        (
            "Europe/Berlin",
            "*/20 * * * *",
            "2026-10-24T23:50",
            "2026-10-25T01:10",
            ["25 02:00+0200", "25 02:20+0200", "25 02:40+0200", "25 02:00+0100"],
        ),
        ("Pacific/Chatham", "45 2 * * *", "2026-09-25T12:00", "2026-09-27T12:00", ["26 02:45+1245", "27 03:45+1345"]),
        ("Pacific/Chatham", "0 3 * * *", "2026-04-03T12:00", "2026-04-05T00:00", ["04 03:00+1345", "05 03:00+1345"]),
        ("Australia/Lord_Howe", "15 2 * * *", "2026-10-03T00:00", "2026-10-04T00:00", ["04 02:45+1100"]),
        ("Australia/Lord_Howe", "45 1 * * *", "2026-04-04T00:00", "2026-04-05T12:00", ["05 01:45+1100"]),
        ("America/Santiago", "0 0 * * *", "2026-09-05T00:00", "2026-09-06T12:00", ["05 00:00-0400", "06 01:00-0300"]),
        ("America/Santiago", "30 23 * * *", "2026-04-04T00:00", "2026-04-05T12:00", ["03 23:30-0300", "04 23:30-0300"]),
        ("Africa/Casablanca", "0 3 * * *", "2026-02-14T00:00", "2026-02-15T23:00", ["14 03:00+0100", "15 03:00+0000"]),
        ("Pacific/Apia", "0 2 * * *", "2011-12-29T00:00", "2011-12-31T00:00", ["29 02:00-1000", "31 02:00+1400"]),
    ],
)
def test_a_skipped_time_comes_later_and_a_repeated_one_comes_once_unless_the_schedule_is_frequent(
    zone: str, line: str, start: str, end: str, expected: list[str]
) -> None:
    assert local_runs(line, zone, start, end) == expected


@pytest.mark.parametrize(("line", "pause"), [("*/20 * * * *", 20), ("0,30 * * * *", 30), ("*/7 * * * *", 7)])
def test_a_frequent_schedule_never_pauses_for_longer_than_its_interval_in_any_zone(line: str, pause: int) -> None:
    """Where the clocks change by no multiple of the interval, one pause is longer by the rest: at Lord Howe, which
    changes by half an hour, 01:40 is followed by the repeated 01:40."""
    interval = timedelta(minutes=pause)
    for name, zone in zones().items():
        for change in changes(zone):
            runs = sorted(schedule(line).runs(change - 5 * HOUR, change + 5 * HOUR, zone))
            rest = abs(offset(change + HOUR, zone) - offset(change, zone)) % interval
            assert max(later - earlier for earlier, later in pairwise(runs)) <= interval + rest, (name, change)


@pytest.mark.parametrize("line", ["0 2 * * *", "30 2 * * *", "15 0 * * *", "45 23 * * *", "40 1 * * *"])
def test_a_nightly_schedule_runs_once_a_night_in_every_zone(line: str) -> None:
    for name, zone in zones().items():
        for change in changes(zone):
            start = change - 72 * HOUR
            runs = sorted(schedule(line).runs(start, start + 144 * HOUR, zone))
            assert len(runs) >= 5, (name, change)
            pauses = [later - earlier for earlier, later in pairwise(runs)]
            assert 20 * HOUR < min(pauses) <= max(pauses) < 28 * HOUR, (name, change)


@pytest.mark.parametrize("line", ["*/20 * * * *", "30 2 * * *", "0 0 * * mon", "45 1,13 * * *"])
def test_beat_and_the_page_name_the_next_run_of_the_same_list_at_every_moment_around_a_change(line: str) -> None:
    for name in ("Europe/Berlin", "Pacific/Chatham", "Australia/Lord_Howe", "America/Santiago", "Antarctica/Troll"):
        zone = ZoneInfo(name)
        for change in changes(zone):
            runs = sorted(schedule(line).runs(change - 30 * HOUR, change + 300 * HOUR, zone))
            moments = [change + timedelta(minutes=13 * number) for number in range(-15, 15)]
            for now in moments:
                expected = next(run for run in runs if run > now)
                beat = schedule(line)
                beat.nowfun, beat.tz = lambda now=now: now, zone
                assert beat.next_run(now, zone) == expected, (name, now)
                assert now + beat.remaining_estimate(now) == expected, (name, now)


@pytest.mark.parametrize(
    ("line", "expected"),
    [("0 0 29 2 *", "2028-02-29"), ("0 0 29 2 mon", "2044-02-29"), ("0 0 31 12 thu", "2026-12-31")],
)
def test_a_rare_day_is_found(line: str, expected: str) -> None:
    after = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
    assert f"{schedule(line).next_run(after, UTC):%Y-%m-%d}" == expected
