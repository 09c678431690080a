"""Nothing waits for a stored time that a wrong clock, or another hand, has moved into the future."""

from threading import Event
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from bridge.audit.background import BackgroundAudit
from bridge.consumer.batch_source import END, BatchSource
from bridge.consumer.decide import DECIDE
from bridge.relay.sweep import Sweep
from contracts.database import Database
from contracts.settings import Settings
from tasks.failures import MAX_RETRY_AFTER_SECONDS
from tasks.statements import CLAIM
from tasks.step_store import Step, StepStore
from tests.bridge.batch_mode import request_batch
from tests.bridge.thoughts import add_claimed_thought, add_thought, decide_once, record_of
from tests.tasks.thoughts import set_columns, thought_row

SHIFTS = ["1 hour", "1 month", "5 years"]


def retried(database: Database, settings: Settings, user_id: UUID, backoff: float) -> Step:
    """Return a step whose call failed and that is retried after `backoff` seconds."""
    thought, version = add_claimed_thought(database, user_id)
    step, store, call = Step(thought, version.dispatch_id, 1), StepStore(database, settings), uuid4()
    assert store.claim(step, call)
    assert store.schedule_retry(step, call, backoff=backoff, error={}, is_service=False)
    return step


def waits(database: Database, settings: Settings, step: Step) -> tuple[float, str]:
    """Return the wait that Decide answers, and the result of a claim."""
    head = decide_once(database, record_of(database, step.thought_id)).head
    claim = StepStore(database, settings).claim(step, uuid4())
    assert head
    assert claim
    return head.wait, claim.result


@pytest.mark.parametrize("shift", SHIFTS)
def test_a_retry_does_not_wait_for_a_time_that_was_moved(
    database: Database, settings: Settings, user_id: UUID, shift: str
) -> None:
    step = retried(database, settings, user_id, 30.0)
    set_columns(database, step.thought_id, f"not_before = not_before + interval '{shift}'")
    assert waits(database, settings, step) == (0.0, "run")


@pytest.mark.parametrize("shift", SHIFTS)
def test_a_retry_does_not_wait_after_the_clock_was_set_back(
    database: Database, settings: Settings, user_id: UUID, shift: str
) -> None:
    step = retried(database, settings, user_id, 30.0)
    moved = f"not_before = not_before + interval '{shift}', beat_at = beat_at + interval '{shift}'"
    set_columns(database, step.thought_id, moved)
    assert waits(database, settings, step) == (0.0, "run")


@pytest.mark.parametrize("backoff", [30.0, MAX_RETRY_AFTER_SECONDS])
def test_a_retry_waits_as_long_as_it_was_asked_to(
    database: Database, settings: Settings, user_id: UUID, backoff: float
) -> None:
    wait, result = waits(database, settings, retried(database, settings, user_id, backoff))
    assert backoff - 20 < wait <= backoff
    assert result == "early"


def test_a_deferral_does_not_keep_a_time_that_was_moved(database: Database, settings: Settings, user_id: UUID) -> None:
    step = retried(database, settings, user_id, 1.0)
    set_columns(database, step.thought_id, "not_before = not_before + interval '1 month'")
    StepStore(database, settings).defer(step, None, wait=5.0, waiting={"kind": "busy"}, is_outage=False)
    row = thought_row(database, step.thought_id)
    assert (row.not_before - row.beat_at).total_seconds() < 6.0


def test_decide_and_claim_believe_the_same_times() -> None:
    for condition in (
        "t.beat_at <= clock_timestamp() + interval '1 s'",
        "t.not_before <= t.beat_at + interval '3600.01 s'",
    ):
        assert condition in DECIDE.text
        assert condition in CLAIM.text
    assert MAX_RETRY_AFTER_SECONDS <= 3600


@pytest.mark.parametrize("column", ["beat_at", "emitted_at"])
def test_the_sweep_emits_a_thought_whose_times_are_in_the_future(
    database: Database, settings: Settings, user_id: UUID, column: str
) -> None:
    thought = add_thought(database, user_id)
    set_columns(database, thought, "emitted_at = now() - interval '1 hour', beat_at = now() - interval '1 hour'")
    set_columns(database, thought, f"{column} = now() + interval '1 month'")
    assert Sweep(database, settings.kafka_topic).run_due_page() == 1
    assert Sweep(database, settings.kafka_topic).run_due_page() == 0


def test_a_batch_includes_a_thought_of_the_future(database: Database, settings: Settings, user_id: UUID) -> None:
    thought = add_thought(database, user_id)
    set_columns(database, thought, "created_at = now() + interval '1 month'")
    request_batch(database)
    source = BatchSource(settings.model_copy(update={"kafka_mode": False}), database)
    source.poll(0.0)
    assert next(iter(source.lanes())).users() == [user_id]
    assert database.rows(END) == []


def test_an_audit_of_the_future_does_not_delay_the_next_one(database: Database, settings: Settings) -> None:
    database.rows(text("INSERT INTO audits (at, figures) VALUES (now() + interval '1 hour', '{}')"))
    stop = Event()
    stop.set()
    BackgroundAudit(settings.model_copy(update={"kafka_enabled": False}), database, stop).run_if_due()
    assert database.rows(text("SELECT at <= now() AS is_past FROM audits"))[0].is_past
