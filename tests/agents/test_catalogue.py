"""The catalogue: every row is complete, and agents are found by step and by name."""

import pytest

from agents.agent import Agent
from agents.catalogue import CATALOGUE, Catalogue
from agents.errors import PermanentError
from agents.offline.provider import OfflineProvider
from tests.agents.calls import a_context, an_input


def fields_of(agent: Agent) -> set[str]:
    """The names of all fields of an agent's output, those of its parts included."""
    definitions = agent.output.model_json_schema()
    schemas = [definitions, *definitions.get("$defs", {}).values()]
    return {name for schema in schemas for name in schema.get("properties", {})}


def test_names_are_unique_and_fit_into_a_tasks_name() -> None:
    assert len(set(CATALOGUE.names)) == CATALOGUE.total
    assert all(name.replace("_", "").isalpha() and name.islower() for name in CATALOGUE.names)


@pytest.mark.parametrize("agent", CATALOGUE.agents, ids=lambda agent: agent.name)
def test_every_agent_says_what_the_page_shows_of_it(agent: Agent) -> None:
    assert agent.title
    assert agent.question.endswith("?")
    assert agent.summary
    assert {*agent.labels, agent.lead} - {""} <= fields_of(agent)


@pytest.mark.parametrize("agent", CATALOGUE.agents, ids=lambda agent: agent.name)
def test_every_agent_has_an_offline_rule(agent: Agent) -> None:
    result = OfflineProvider().run(agent.name, an_input(), a_context())
    assert isinstance(result.output, agent.output)


def test_steps_are_counted_from_one() -> None:
    assert [CATALOGUE.at_step(step).name for step in range(1, CATALOGUE.total + 1)] == list(CATALOGUE.names)
    for step in (0, -1, CATALOGUE.total + 1):
        with pytest.raises(IndexError):
            CATALOGUE.at_step(step)


def test_an_unknown_name_is_a_permanent_error_that_lists_the_agents() -> None:
    with pytest.raises(PermanentError, match="the agents are classification, analysis,"):
        CATALOGUE.named("astrology")
    assert CATALOGUE.find("astrology") is None


def test_thoughts_of_the_first_release_keep_their_number_of_results() -> None:
    assert Catalogue.first_total <= CATALOGUE.total
