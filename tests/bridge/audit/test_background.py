"""The relay audits beside its work: one relay of several, into one row."""

import signal
import threading
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import text

from bridge.audit.background import BackgroundAudit
from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.audit.audit_runs import completed_line
from tests.bridge.running_relays import relay_process
from tests.bridge.thoughts import add_thought, add_user, change
from tests.eventually import eventually

pytestmark = pytest.mark.usefixtures("topics")

LAST = text("SELECT at, figures FROM audits")


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"kafka_partitions": 1}


def test_a_relay_writes_the_figures_down_and_leaves_in_time(settings: Settings, database: Database) -> None:
    completed_line(settings, database)
    with relay_process(settings) as relay:
        eventually(lambda: database.rows(LAST), timeout=60)
        relay.send_signal(signal.SIGTERM)
        assert relay.wait(30) == 0
    (row,) = database.rows(LAST)
    assert row.figures["adds_up"]
    assert row.figures["partitions"][0]["records"]["completed"] == 3


def test_what_does_not_add_up_is_an_alarm_once(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    database.rows(text("INSERT INTO outbox (topic, value, parked_at) VALUES ('t', '', now())"))
    stop = threading.Event()
    stop.set()  # so that it does not wait before its second look
    watch = BackgroundAudit(settings, database, stop)
    assert watch.run_if_due() >= 60
    assert watch.run_if_due() >= 60
    assert caplog.text.count("ALARM the books do not add up: parked") == 1


def test_one_of_two_relays_audits_until_it_is_gone(settings: Settings, database: Database) -> None:
    stop = threading.Event()
    first, second = BackgroundAudit(settings, database, stop), BackgroundAudit(settings, database, stop)
    first.run_if_due()
    before = database.rows(LAST)[0].at
    assert 60 < second.run_if_due() <= 75
    assert database.rows(LAST)[0].at == before
    first.run_if_due()
    assert database.rows(LAST)[0].at > before
    database.rows(text("UPDATE audits SET at = now() - interval '80 s'"))
    second.run_if_due()
    after = database.rows(LAST)[0].at
    first.run_if_due()
    assert database.rows(LAST)[0].at == after


def test_stores_that_are_away_are_waited_for(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = settings.model_copy(update={"kafka_bootstrap_servers": "127.0.0.1:9"})
    with ExitStack() as after:
        watch = BackgroundAudit(nowhere, database, threading.Event())
        after.callback(watch._audit.close)
        assert watch.run_if_due() >= 60
    assert "A store does not answer, the audit waits: Kafka" in caplog.text
    assert database.rows(LAST) == []


def test_without_kafka_a_relay_audits_every_line(settings: Settings, database: Database) -> None:
    """No record tells it whose lines to look at."""
    thought = add_thought(database, add_user(database))
    change(database, thought, status="completed", steps_done=5, finished_at="now")
    without = settings.model_copy(update={"kafka_enabled": False, "kafka_bootstrap_servers": ""})
    with relay_process(without) as relay:
        eventually(lambda: database.rows(LAST), timeout=60)
        relay.send_signal(signal.SIGTERM)
        assert relay.wait(30) == 0
    (row,) = database.rows(LAST)
    assert (row.figures["mode"], row.figures["findings"]["steps"]) == ("batch", 1)
