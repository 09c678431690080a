"""What operators do at a terminal, authors in a browser, and beat at night."""

from collections.abc import Callable
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError

from bridge.dead_letters.replay import discard, replay
from tasks.batches import Batches
from tests.simulation.choice import pick
from tests.simulation.database import SimulatedDatabase
from tests.simulation.fibers import Process
from tests.simulation.processes import BATCH_MODE, KAFKA_MODE, WITHOUT_KAFKA
from tests.simulation.world import World
from webapp.deletion import delete


def _start_command(world: World, kind: str, body: Callable[[SimulatedDatabase], object]) -> None:
    """Start a command, which runs as requests do. It is not repeated when it fails."""
    process = Process(world.next_name(kind), world.settings)

    def command() -> None:
        with suppress(SQLAlchemyError):
            body(SimulatedDatabase(world.postgres_server, process))

    process.spawn(command)
    world.start_request(process)


def replay_dead_letter(world: World, n: int) -> bool:
    """Replay a dead letter of the index, open or not."""
    failure_id = pick(sorted(world.postgres.tables.dead_letters), n)
    if failure_id is not None:
        settings = world.settings
        _start_command(world, "operator", lambda database: replay(database, failure_id, settings))
    return failure_id is not None


def discard_dead_letter(world: World, n: int) -> bool:
    failure_id = pick(sorted(world.postgres.tables.dead_letters), n)
    if failure_id is not None:
        _start_command(world, "operator", lambda database: discard(database, failure_id))
    return failure_id is not None


def delete_thought(world: World, n: int) -> bool:
    """Delete a thought in any state, as its author may."""
    thought_id = pick(sorted(world.postgres.tables.thoughts), n)
    if thought_id is not None:
        _start_command(world, "author", lambda database: delete(database, thought_id))
    return thought_id is not None


def switch_mode(world: World, n: int) -> bool:
    others = [mode for mode in (KAFKA_MODE, BATCH_MODE, WITHOUT_KAFKA) if mode is not world.settings]
    world.switch_mode(pick(others, n) or KAFKA_MODE)
    return True


def request_batch(world: World, n: int) -> bool:
    """Request a batch, as beat does every night and an operator at any time."""
    _start_command(world, "beat", lambda database: Batches(database).request())
    return True
