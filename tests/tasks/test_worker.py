"""What a worker process has of its own."""

from contextlib import ExitStack
from typing import Any

import pytest

from agents.interface import CallContext
from contracts.database import POOL_SIZE, Database
from contracts.settings import Settings
from tasks.step import Advance
from tasks.step_store import Step
from tasks.worker import Worker
from tests.eventually import eventually
from tests.tasks.fake_provider import Play, Puppet
from tests.tasks.thoughts import thought


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"lease_renew_seconds": 0.3}


def a_worker(settings: Settings, monkeypatch: pytest.MonkeyPatch, play: Play) -> tuple[Worker, Puppet]:
    """The process's part with a provider of the test's."""
    puppet = Puppet(play)
    monkeypatch.setattr("tasks.worker.make_provider", lambda _: puppet)
    return Worker(settings), puppet


def dispose(worker: Worker) -> None:
    worker.step_store._database.engine.dispose()


def test_calls_are_seen_to_live_while_all_other_connections_are_taken(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch, step: Step
) -> None:
    def play(_: CallContext) -> None:
        before = thought(database, step.thought_id).beat
        with ExitStack() as taken:
            for _number in range(POOL_SIZE):
                taken.enter_context(worker.step_store._database.engine.connect())
            eventually(lambda: thought(database, step.thought_id).beat >= before + 3)

    worker, puppet = a_worker(settings, monkeypatch, play)
    assert worker.run(step) == Advance()
    assert puppet.calls == 1
    dispose(worker)


def test_nothing_is_connected_before_the_first_step(settings: Settings) -> None:
    unreachable = settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/none"})
    worker = Worker(unreachable)
    assert "runner" not in vars(worker)
    assert "step_store" not in vars(worker)
