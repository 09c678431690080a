"""A process is reported while it makes progress, and neither an error nor an unavailable Redis ends the reports."""

import pytest
import redis

from contracts.heartbeat import Heartbeat
from contracts.presence import Presence, ProcessReport
from contracts.progress import connect_redis
from contracts.reporter import QUIET_SECONDS, Reporter, loop_reporter
from contracts.settings import Settings
from tests.eventually import eventually

PREFIX = "reporter-test"


@pytest.fixture
def presence(redis_client: redis.Redis) -> Presence:
    return Presence(redis_client, PREFIX)


def test_a_process_that_makes_no_progress_is_not_reported(presence: Presence) -> None:
    Reporter(presence, lambda: None).report_once()

    assert presence.read() == []


def test_a_stopped_reporter_withdraws_its_report(presence: Presence) -> None:
    with Reporter(presence, lambda: ProcessReport("relay", "one")):
        eventually(presence.read)

    assert presence.read() == []


def test_a_loop_is_reported_only_after_recent_heartbeats(settings: Settings) -> None:
    now = 100.0
    heartbeat = Heartbeat("", lambda: now)
    with connect_redis(settings.redis_url) as client:
        presence = Presence(client, settings.redis_prefix)
        reporter = loop_reporter(settings, "relay", heartbeat)
        reporter.report_once()
        assert presence.read() == [], "its loop has not run yet"

        heartbeat.touch()
        now += QUIET_SECONDS
        reporter.report_once()
        seen = presence.read()[0].report
        assert seen.kind == "relay"

        presence.withdraw(seen.id)
        now += 0.1
        reporter.report_once()
        assert presence.read() == [], "its loop hangs"


def test_a_failing_report_does_not_end_the_reports(presence: Presence, caplog: pytest.LogCaptureFixture) -> None:
    reports = iter([RuntimeError("dictionary changed size during iteration")])

    def make_report() -> ProcessReport:
        for error in reports:
            raise error
        return ProcessReport("bridge", "one")

    with Reporter(presence, make_report):
        eventually(presence.read)
    assert "could not be reported" in caplog.text


def test_an_unavailable_redis_does_not_disturb_the_process(caplog: pytest.LogCaptureFixture) -> None:
    with (
        connect_redis("redis://127.0.0.1:1/0") as nobody,
        Reporter(Presence(nobody, PREFIX), lambda: ProcessReport("relay", "one")) as reporter,
    ):
        reporter.report_once()
    assert not caplog.records, "one line a second would hide the others"
