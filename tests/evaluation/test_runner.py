"""The runner calls the agents as a worker would."""

from agents.catalogue import CATALOGUE
from agents.errors import ServiceError
from agents.interface import AgentInput, AgentResult, CallContext
from evaluation.runner import Runner
from tests.evaluation.notes_and_providers import NOW, RuleProvider, note, outcome, voice


def test_every_agent_reads_the_results_of_those_before_it() -> None:
    provider = RuleProvider()
    outcome(note("Call Leo"), provider)
    assert [name for name, _ in provider.inputs] == list(CATALOGUE.names)
    assert [list(call.previous) for _, call in provider.inputs] == [
        list(CATALOGUE.names[:count]) for count in range(CATALOGUE.total)
    ]


def test_a_note_is_written_and_analysed_at_the_moment_of_its_voice() -> None:
    provider = RuleProvider()
    outcome(note("Call Leo"), provider)
    for _, call in provider.inputs:
        assert (call.written_at, call.called_at) == (NOW, NOW)
        assert call.profile == {"time_zone": "Europe/London"}


def test_no_earlier_thought_of_another_voice_reaches_an_agent() -> None:
    provider = RuleProvider()
    for name in ("a", "b"):
        written = note(f"A secret of {name}")
        outcome(written, provider, voice(written, name=name))
    for _, call in provider.inputs:
        assert list(call.earlier_thoughts) == []
        assert call.text == f"A secret of {call.user_id}"


class FirstModelIsDown(RuleProvider):
    def models(self, agent_name: str) -> tuple[str, ...]:
        return ("a:first", "b:second")

    def run(self, agent_name: str, agent_input: AgentInput, context: CallContext) -> AgentResult:
        if context.model == "a:first":
            raise ServiceError("no answer", "outage")
        return super().run(agent_name, agent_input, context)


def test_the_next_model_answers_when_the_service_of_the_first_does_not() -> None:
    provider = FirstModelIsDown()
    assert len(outcome(note("Call Leo"), provider).results) == CATALOGUE.total
    assert Runner(provider, 5).calls_a_model
