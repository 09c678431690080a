"""The state of a worker process: its connections and its lease renewals."""

from contextlib import ExitStack
from typing import Any

import pytest

from agents.interface import CallContext
from contracts.database import POOL_SIZE, Database
from contracts.settings import Settings
from tasks.step_outcomes import Advance
from tasks.step_store import Step
from tasks.worker import Worker
from tests.eventually import eventually
from tests.tasks.fake_provider import Behaviour, FakeProvider
from tests.tasks.thoughts import thought_row


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"lease_renew_seconds": 0.3}


def make_worker(settings: Settings, monkeypatch: pytest.MonkeyPatch, behave: Behaviour) -> tuple[Worker, FakeProvider]:
    """Return a worker, and its provider with this behaviour."""
    provider = FakeProvider(behave)
    monkeypatch.setattr("tasks.worker.make_provider", lambda _: provider)
    return Worker(settings), provider


def close_connections(worker: Worker) -> None:
    worker.step_store.database.engine.dispose()


def test_leases_are_renewed_while_all_connections_of_the_steps_are_in_use(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch, step: Step
) -> None:
    def behave(_: CallContext) -> None:
        before = thought_row(database, step.thought_id).beat
        with ExitStack() as connections:
            for _number in range(POOL_SIZE):
                connections.enter_context(worker.step_store.database.engine.connect())
            eventually(lambda: thought_row(database, step.thought_id).beat >= before + 3)

    worker, provider = make_worker(settings, monkeypatch, behave)
    assert worker.run(step) == Advance()
    assert provider.calls == 1
    close_connections(worker)


def test_a_worker_connects_to_nothing_before_its_first_step(settings: Settings) -> None:
    unreachable_settings = settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/none"})
    worker = Worker(unreachable_settings)
    assert "runner" not in vars(worker)
    assert "step_store" not in vars(worker)
