"""What people do at a terminal or in a browser besides writing."""

from collections.abc import Callable
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError

from bridge.dead_letters.replay import discard, replay
from tasks.batches import Batches
from tests.simulation.actors import BATCH, KAFKA, WITHOUT
from tests.simulation.choice import pick
from tests.simulation.database import Door
from tests.simulation.fibers import Process
from tests.simulation.world import World
from webapp.deletion import delete


def _asks(world: World, who: str, body: Callable[[Door], object]) -> None:
    """A person's command, which goes as requests do; nobody gives it again when it fails."""
    person = Process(world.name(who), world.settings)

    def command() -> None:
        with suppress(SQLAlchemyError):
            body(Door(world.server, person))

    person.spawn(command)
    world.ask(person)


def replayed(world: World, n: int) -> bool:
    """Somebody replays what is in the index of dead letters, open or not."""
    found = pick(sorted(world.postgres.tables.letters), n)
    if found is not None:
        settings = world.settings
        _asks(world, "person", lambda database: replay(database, found, settings))
    return found is not None


def discarded(world: World, n: int) -> bool:
    """Somebody leaves a failure as it is."""
    found = pick(sorted(world.postgres.tables.letters), n)
    if found is not None:
        _asks(world, "person", lambda database: discard(database, found))
    return found is not None


def deleted(world: World, n: int) -> bool:
    """An author deletes a thought, whatever is being done with it."""
    found = pick(sorted(world.postgres.tables.thoughts), n)
    if found is not None:
        _asks(world, "author", lambda database: delete(database, found))
    return found is not None


def other_mode(world: World, n: int) -> bool:
    """The system is switched to another mode."""
    world.switch(pick([one for one in (KAFKA, BATCH, WITHOUT) if one is not world.settings], n) or KAFKA)
    return True


def batch_asked(world: World, n: int) -> bool:
    """beat, or a person, asks for a batch."""
    _asks(world, "beat", lambda database: Batches(database).request())
    return True
