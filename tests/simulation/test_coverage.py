"""Faults meet whom they are meant for, and it is counted where they did: a fault that never bites proves nothing."""

from collections.abc import Iterator

import pytest

from contracts.database import STATEMENT_SECONDS
from tests.simulation.actions import ACTIONS
from tests.simulation.coverage import MUST_BITE, Campaign
from tests.simulation.fibers import Fate
from tests.simulation.histories import quiet
from tests.simulation.installed import installed
from tests.simulation.lateness import PLACES, meets, reached
from tests.simulation.steps import ALL_CALLS
from tests.simulation.world import World

AT_ANY_PLACE = 0
FIRST_PLACE = 1


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    with installed(world), quiet():
        yield world
        world.close()


def do(world: World, *names: str) -> bool:
    """Some actions; whether the last one found something to do."""
    return [ACTIONS[name](world, 0) for name in names][-1]


@pytest.mark.parametrize(
    ("kind", "number", "wait"), [("bridge", 1, "decide"), ("bridge", 1, "send"), ("relay", 0, "publish")]
)
def test_a_process_is_left_in_the_middle_of_its_round_and_dies_there(
    world: World, kind: str, number: int, wait: str
) -> None:
    do(world, "write mine", "request")
    fiber = reached(world, kind, lambda one: one.waits_for == wait, number)
    assert fiber is not None
    assert ACTIONS[f"kill {kind}"](world, 1 + 4 * PLACES[kind].index(wait))
    assert world.bites == {(kind, wait, "killed"): 1}
    assert fiber.dead


def test_a_fate_without_a_meaning_at_a_wait_does_nothing_and_is_not_counted(world: World) -> None:
    assert not meets("relay", Fate.HALF)(world, AT_ANY_PLACE)
    do(world, "write mine")
    assert not meets("web", Fate.HALF)(world, AT_ANY_PLACE)
    assert not world.bites


def test_nothing_is_lost_on_the_way_to_a_server_that_is_away(world: World) -> None:
    do(world, "write mine", "postgres away")
    assert not meets("web", Fate.LOST)(world, AT_ANY_PLACE)
    assert not world.bites


def test_a_statement_that_is_given_up_may_arrive_later(world: World) -> None:
    assert do(world, "write mine", "request delayed")
    assert world.bites == {("web", "accept", "delayed"): 1}
    assert not world.postgres.tables.thoughts
    world.advance(STATEMENT_SECONDS)
    assert do(world, "request", "arrives")
    assert len(world.postgres.tables.thoughts) == 1


@pytest.mark.parametrize(("name", "what"), [("renewal late", "late"), ("renewal not asked", "away")])
def test_a_renewal_meets_faults_like_everything_else(world: World, name: str, what: str) -> None:
    assert do(world, "write mine", "onward", "work", "work", "work", name)
    assert world.bites == {("worker", "renew", what): 1}


def test_a_campaign_names_what_must_happen_and_never_did() -> None:
    campaign = Campaign()
    campaign.bites.update(MUST_BITE[1:])
    campaign.met.update([*ACTIONS, ALL_CALLS][:-1])
    assert campaign.blunt() == [" ".join(MUST_BITE[0]), ALL_CALLS]
