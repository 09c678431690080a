"""A result that a later call may improve is shown, but no other thought copies it."""

from dataclasses import replace
from uuid import UUID

from agents.catalogue import CATALOGUE
from contracts.settings import Settings
from tasks.step_outcomes import Advance, Requeue
from tests.tasks.admission.gates import make_gate
from tests.tasks.admission.services import FIRST, SECOND, FakeServices
from tests.tasks.agent_results import make_result
from tests.tasks.conftest import MakeMemory, MakeRunner
from tests.tasks.fake_provider import FakeProvider
from tests.tasks.memory.lives import Life

TEXT = "I want to learn to sail"


def test_a_result_of_a_fallback_model_is_not_copied(
    life: Life, make_runner: MakeRunner, make_memory: MakeMemory, settings: Settings
) -> None:
    services = FakeServices(FIRST, SECOND)
    runner = make_runner(services, gate=make_gate(services, settings), memory=make_memory(services))

    def write() -> UUID:
        step = life.begin(TEXT)
        for number in range(1, CATALOGUE.total + 1):
            assert runner.run(replace(step, number=number)) == Advance()
        return step.thought_id

    services.failures[FIRST] = "quota"
    waiting = life.begin("Something else that I think about")
    assert isinstance(runner.run(waiting), Requeue)
    life.delete(waiting.thought_id)
    thoughts = [write(), write()]
    assert [{run.model for run in life.runs(thought)} for thought in thoughts] == [{SECOND}] * 2
    assert [life.sources(thought) for thought in thoughts] == [[None] * CATALOGUE.total] * 2


def test_a_result_that_lacks_something_is_not_copied(life: Life) -> None:
    life.provider = FakeProvider(lambda _: make_result(is_complete=life.provider.calls != 3))
    life.write(TEXT)
    second = life.write(TEXT)
    assert life.sources(second) == [None] * CATALOGUE.total
    assert life.sources(life.write(TEXT)) == [second] * CATALOGUE.total
