"""Faults hit the waits that they are meant for, and are counted there."""

from collections.abc import Iterator

import pytest

from contracts.database import STATEMENT_SECONDS
from tests.simulation.actions import ACTIONS
from tests.simulation.fault_coverage import REQUIRED_HITS, REQUIRED_OBSERVATIONS, Campaign
from tests.simulation.fibers import Outcome
from tests.simulation.histories import silenced_logs
from tests.simulation.patches import patched
from tests.simulation.wait_outcomes import PLACES, advanced_to, fault_at_wait
from tests.simulation.world import World

AT_ANY_PLACE = 0


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    with patched(world), silenced_logs():
        yield world
        world.close()


def run_actions(world: World, *names: str) -> bool:
    """Run the actions; return whether the last one found something to do."""
    return [ACTIONS[name](world, 0) for name in names][-1]


@pytest.mark.parametrize(
    ("kind", "number", "wait"), [("bridge", 1, "decide"), ("bridge", 1, "send"), ("relay", 0, "publish")]
)
def test_a_process_can_be_killed_in_the_middle_of_its_round(world: World, kind: str, number: int, wait: str) -> None:
    run_actions(world, "submit as first user", "finish request")
    fiber = advanced_to(world, kind, lambda fiber: fiber.waits_for == wait, number)
    assert fiber is not None
    assert ACTIONS[f"kill {kind}"](world, 1 + 4 * PLACES[kind].index(wait))
    assert world.fault_hits == {(kind, wait, "killed"): 1}
    assert fiber.dead


def test_an_outcome_that_is_not_possible_at_a_wait_does_nothing_and_is_not_counted(world: World) -> None:
    assert not fault_at_wait("relay", Outcome.PARTIAL)(world, AT_ANY_PLACE)
    run_actions(world, "submit as first user")
    assert not fault_at_wait("web", Outcome.PARTIAL)(world, AT_ANY_PLACE)
    assert not world.fault_hits


def test_an_unavailable_server_loses_no_answers(world: World) -> None:
    run_actions(world, "submit as first user", "toggle postgres")
    assert not fault_at_wait("web", Outcome.ANSWER_LOST)(world, AT_ANY_PLACE)
    assert not world.fault_hits


def test_a_statement_that_timed_out_may_still_arrive(world: World) -> None:
    assert run_actions(world, "submit as first user", "request: delayed")
    assert world.fault_hits == {("web", "accept", "delayed"): 1}
    assert not world.postgres.tables.thoughts
    world.pass_time(STATEMENT_SECONDS)
    assert run_actions(world, "finish request", "delayed request arrives")
    assert len(world.postgres.tables.thoughts) == 1


@pytest.mark.parametrize(
    ("action", "fault"), [("renewal: answer late", "answer late"), ("renewal: unreachable", "unreachable")]
)
def test_faults_hit_renewals(world: World, action: str, fault: str) -> None:
    run_actions(world, "submit as first user", "run all", "run worker", "run worker", "run worker", action)
    assert world.fault_hits == {("worker", "renew", fault): 1}


def test_a_campaign_lists_what_is_required_and_never_happened() -> None:
    campaign = Campaign()
    campaign.fault_hits.update(REQUIRED_HITS[1:])
    campaign.observations.update([*ACTIONS, *REQUIRED_OBSERVATIONS[1:]])
    assert campaign.missing() == [" ".join(REQUIRED_HITS[0]), REQUIRED_OBSERVATIONS[0]]
