"""A step asks for its budget under a renewed lease, waits while it is used up, and keeps what it has paid for."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from contracts.database import Database
from contracts.settings import Settings
from tasks.admission.budgets import Budgets, UsedUp
from tasks.step_outcomes import Advance, Requeue
from tasks.step_store import Step
from tests.eventually import eventually
from tests.tasks.admission.gates import make_gate
from tests.tasks.admission.services import FakeServices
from tests.tasks.agent_results import make_result
from tests.tasks.conftest import MakeRunner
from tests.tasks.thoughts import agent_run_rows, dispatch_first_step, thought_row


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"lease_renew_seconds": 1.0, "agent_timeout_seconds": 30.0, "kafka_retry_backoff_ms": 1}


def test_the_lease_is_renewed_while_a_slow_redis_is_asked_for_the_budget(
    make_runner: MakeRunner, settings: Settings, database: Database, step: Step
) -> None:
    class SlowBudgets(Budgets):
        def begin(self, model: str, user_id: str) -> UsedUp | None:
            begun = thought_row(database, step.thought_id).beat
            eventually(lambda: thought_row(database, step.thought_id).beat > begun)
            return super().begin(model, user_id)

    services, budgets = FakeServices(), SlowBudgets(settings, settings.redis_url, settings.redis_prefix)
    runner = make_runner(services, gate=make_gate(services, settings, budgets=budgets))
    assert runner.run(step) == Advance()


def test_a_paid_result_is_saved_although_it_cannot_be_counted(
    make_runner: MakeRunner, settings: Settings, database: Database, step: Step
) -> None:
    class BrokenBudgets(Budgets):
        def count(self, *_: Any, **__: Any) -> None:
            raise MemoryError

    services, budgets = FakeServices(), BrokenBudgets(settings, settings.redis_url, settings.redis_prefix)
    runner = make_runner(services, gate=make_gate(services, settings, budgets=budgets))
    assert runner.run(step) == Advance()
    assert len(agent_run_rows(database, step.thought_id)) == 1


def test_a_user_over_the_budget_waits_and_the_attempt_is_given_back(
    make_runner: MakeRunner, settings: Settings, database: Database
) -> None:
    services = FakeServices()
    changed = settings.model_copy(update={"ai_usd_per_day_per_user": 0.01})
    gate = make_gate(services, changed)
    runner = make_runner(services, gate=gate)
    step = dispatch_first_step(database, settings)
    user_id = str(thought_row(database, step.thought_id).user_id)
    granted = gate.enter("classification", str(uuid4()))
    gate.succeeded(granted, make_result(cost_usd=Decimal(1)), user_id)  # type: ignore[arg-type]
    assert isinstance(runner.run(step), Requeue)
    row = thought_row(database, step.thought_id)
    assert (row.attempts, row.call_id, row.waiting["kind"], services.calls) == (0, None, "limit", [])
    assert row.waiting["until"].endswith("T00:00:00Z")
