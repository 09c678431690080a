"""The catalogue has complete rows, and finds agents by step and by name."""

import pytest

from agents.agent import Agent
from agents.catalogue import CATALOGUE, Catalogue
from agents.errors import PermanentError
from agents.offline.provider import OfflineProvider
from agents.profile import PROFILE_FIELDS
from tests.agents.calls import make_context, make_input


def field_names(agent: Agent) -> set[str]:
    """Return the names of all fields of an agent's output, including those of its parts."""
    root = agent.output.model_json_schema()
    schemas = [root, *root.get("$defs", {}).values()]
    return {name for schema in schemas for name in schema.get("properties", {})}


def test_names_are_unique_and_usable_in_task_names() -> None:
    assert len(set(CATALOGUE.names)) == CATALOGUE.total
    assert all(name.replace("_", "").isalpha() and name.islower() for name in CATALOGUE.names)


@pytest.mark.parametrize("agent", CATALOGUE.agents, ids=lambda agent: agent.name)
def test_every_agent_has_the_texts_that_the_page_shows(agent: Agent) -> None:
    assert agent.title
    assert agent.question.endswith("?")
    assert agent.summary
    assert {*agent.labels, agent.lead} - {""} <= field_names(agent)


@pytest.mark.parametrize("step", range(1, CATALOGUE.total + 1))
def test_every_agent_reads_only_earlier_results_and_known_fields_of_the_profile(step: int) -> None:
    agent = CATALOGUE.at_step(step)
    assert set(agent.reads_results) <= set(CATALOGUE.names[: step - 1])
    assert set(agent.profile_fields) <= set(PROFILE_FIELDS)
    assert agent.reads_profile == (step > 1)


@pytest.mark.parametrize("agent", CATALOGUE.agents, ids=lambda agent: agent.name)
def test_every_agent_has_an_offline_rule(agent: Agent) -> None:
    result = OfflineProvider().run(agent.name, make_input(), make_context())
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


def test_the_catalogue_is_never_shorter_than_in_the_first_release() -> None:
    assert Catalogue.first_total <= CATALOGUE.total
