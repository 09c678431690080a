"""The relay audits in the background: one relay of several, into one row."""

import signal
import threading
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import text

from bridge.audit.background import BackgroundAudit
from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.audit.audit_runs import add_completed_line
from tests.bridge.running_relays import relay_process
from tests.bridge.thoughts import add_thought, add_user, update_thought
from tests.eventually import eventually

pytestmark = pytest.mark.usefixtures("topics")

LAST_AUDIT = text("SELECT at, figures FROM audits")


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"kafka_partitions": 1}


def test_the_relay_stores_the_figures_and_stops_in_time(settings: Settings, database: Database) -> None:
    add_completed_line(settings, database)
    with relay_process(settings) as relay:
        eventually(lambda: database.rows(LAST_AUDIT), timeout=60)
        relay.send_signal(signal.SIGTERM)
        assert relay.wait(30) == 0
    (row,) = database.rows(LAST_AUDIT)
    assert row.figures["consistent"]
    assert row.figures["partitions"][0]["records"]["completed"] == 3


def test_the_relay_logs_an_inconsistency_once(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    database.rows(text("INSERT INTO outbox (topic, value, parked_at) VALUES ('t', '', now())"))
    stop = threading.Event()
    stop.set()  # so that the audit does not wait before its second snapshot
    audit = BackgroundAudit(settings, database, stop)
    assert audit.run_if_due() >= 60
    assert audit.run_if_due() >= 60
    assert caplog.text.count("ALARM: audit inconsistency: parked: row") == 1


def test_one_of_two_relays_audits_until_its_figures_are_old(settings: Settings, database: Database) -> None:
    stop = threading.Event()
    first, second = BackgroundAudit(settings, database, stop), BackgroundAudit(settings, database, stop)
    first.run_if_due()
    before = database.rows(LAST_AUDIT)[0].at
    assert 60 < second.run_if_due() <= 75
    assert database.rows(LAST_AUDIT)[0].at == before
    first.run_if_due()
    assert database.rows(LAST_AUDIT)[0].at > before
    database.rows(text("UPDATE audits SET at = now() - interval '80 s'"))
    second.run_if_due()
    after = database.rows(LAST_AUDIT)[0].at
    first.run_if_due()
    assert database.rows(LAST_AUDIT)[0].at == after


def test_an_audit_is_retried_while_kafka_is_unavailable(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    unreachable = settings.model_copy(update={"kafka_bootstrap_servers": "127.0.0.1:9"})
    with ExitStack() as stack:
        audit = BackgroundAudit(unreachable, database, threading.Event())
        stack.callback(audit._audit.close)
        assert audit.run_if_due() >= 60
    assert "Kafka is unavailable, the audit is retried: " in caplog.text
    assert database.rows(LAST_AUDIT) == []


def test_a_relay_without_kafka_audits_every_line(settings: Settings, database: Database) -> None:
    """There are no records that would say which users to check."""
    thought = add_thought(database, add_user(database))
    update_thought(database, thought, status="completed", steps_done=5, finished_at="now")
    without_kafka = settings.model_copy(update={"kafka_enabled": False, "kafka_bootstrap_servers": ""})
    with relay_process(without_kafka) as relay:
        eventually(lambda: database.rows(LAST_AUDIT), timeout=60)
        relay.send_signal(signal.SIGTERM)
        assert relay.wait(30) == 0
    (row,) = database.rows(LAST_AUDIT)
    assert (row.figures["mode"], row.figures["findings"]["steps"]) == ("batch", 1)
