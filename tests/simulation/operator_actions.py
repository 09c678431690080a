"""What operators do at a terminal, authors in a browser, and beat at night."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from bridge.dead_letters.replay import discard, replay
from contracts.dead_letters import parse_failure_id
from tasks.batches import Batches
from tests.simulation.choice import pick
from tests.simulation.database import SimulatedDatabase
from tests.simulation.fibers import Process
from tests.simulation.processes import BATCH_MODE, KAFKA_MODE, WITHOUT_KAFKA
from tests.simulation.world import World
from webapp.cancellation import cancel
from webapp.deletion import delete
from webapp.retrying import retry


def _start_command(world: World, kind: str, body: Callable[[SimulatedDatabase], object]) -> None:
    """Start a command, which runs as requests do. It is not repeated when it fails."""
    process = Process(world.next_name(kind), world.settings)

    def command() -> None:
        with suppress(SQLAlchemyError):
            body(SimulatedDatabase(world.postgres_server, process))

    process.spawn(command)
    world.start_request(process)


AUTHOR_BIT: Final = 20
"""The bit of an action's number that chooses between the two things it does. Two actions would draw other histories."""


def replay_or_retry_thought(world: World, n: int) -> bool:
    """Replay a dead letter of the index, open or not, as an operator; or retry its thought, as the author."""
    failure_id = pick(sorted(world.postgres.tables.dead_letters), n)
    if failure_id is None:
        return False
    settings, failure = world.settings, parse_failure_id(failure_id)
    if failure is not None and n >> AUTHOR_BIT & 1:
        thought = world.postgres.tables.thoughts[failure[0]]
        turn = thought.turn if thought.status == "failed" else None
        _start_command(world, "author", lambda database: retry(database, settings, thought.id, turn))
    else:
        _start_command(world, "operator", lambda database: replay(database, failure_id, settings))
    return True


def discard_dead_letter(world: World, n: int) -> bool:
    failure_id = pick(sorted(world.postgres.tables.dead_letters), n)
    if failure_id is not None:
        _start_command(world, "operator", lambda database: discard(database, failure_id))
    return failure_id is not None


def delete_or_cancel_thought(world: World, n: int) -> bool:
    """Delete or cancel a thought in any state, as its author may."""
    thought_id = pick(sorted(world.postgres.tables.thoughts), n)
    if thought_id is None:
        return False
    settings, thought = world.settings, world.postgres.tables.thoughts[thought_id]
    user_id, turn = thought.user_id, thought.turn
    if n >> AUTHOR_BIT & 1:
        _start_command(world, "author", lambda database: cancel(database, settings, user_id, thought_id, turn))
    else:
        _start_command(world, "author", lambda database: delete(database, thought_id))
    return True


def switch_mode(world: World, n: int) -> bool:
    others = [mode for mode in (KAFKA_MODE, BATCH_MODE, WITHOUT_KAFKA) if mode is not world.settings]
    world.switch_mode(pick(others, n) or KAFKA_MODE)
    return True


def request_batch(world: World, n: int) -> bool:
    """Request a batch, as beat does every night and an operator at any time."""
    _start_command(world, "beat", lambda database: Batches(database).request())
    return True
