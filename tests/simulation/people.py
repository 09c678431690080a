"""What people do at a terminal or in a browser besides writing."""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from bridge.letters.replay import discard, replay
from tasks.batches import Batches
from tests.simulation.actors import BATCH, KAFKA
from tests.simulation.choice import pick
from tests.simulation.database import Door
from tests.simulation.fibers import Process
from tests.simulation.world import World
from webapp.deletion import delete


def _does(world: World, who: str, body: Callable[[Door], object]) -> bool:
    """A person's command, from its beginning to its end; nobody gives one while PostgreSQL is away."""
    if world.server.away_since is not None:
        return False
    person = Process(who)
    fiber = person.spawn(lambda: body(Door(world.server, person)))
    while not fiber.dead:
        world.go(fiber)
    return True


def replayed(world: World, n: int) -> bool:
    """Somebody replays what is in the index of dead letters, open or not."""
    found = pick(sorted(world.postgres.tables.letters), n)
    settings = BATCH if world.batch_mode else KAFKA
    return found is not None and _does(world, "person", lambda database: replay(database, settings, found))


def discarded(world: World, n: int) -> bool:
    """Somebody leaves a failure as it is."""
    found = pick(sorted(world.postgres.tables.letters), n)
    return found is not None and _does(world, "person", lambda database: discard(database, found))


def deleted(world: World, n: int) -> bool:
    """An author deletes a thought, whatever is being done with it."""
    found = pick(sorted(world.postgres.tables.thoughts), n)
    if found is not None:
        author = Process("author")
        author.spawn(lambda: _deletes(Door(world.server, author), found))
        world.webs.append(author)
    return found is not None


def _deletes(database: Door, thought: UUID) -> None:
    try:
        delete(database, thought)
    except SQLAlchemyError:
        return


def other_mode(world: World, n: int) -> bool:
    """The system is switched to batch mode, or back; its bridges and relays start anew."""
    world.batch_mode = not world.batch_mode
    for process in [*world.bridges, *world.relays]:
        process.kill()
    world.replace_dead()
    return True


def batch_asked(world: World, n: int) -> bool:
    return _does(world, "beat", lambda database: Batches(database).request())
