"""A person signs in to an account with a browser whose anonymous user has thoughts."""

from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from tests.simulation.database import SimulatedDatabase
from tests.simulation.fibers import Process
from tests.simulation.world import ACCOUNT, USERS, World
from webapp.accounts import joining

JOIN: Final = "sign in"
SHARE_OF_HISTORIES: Final = 0.3
MAX_JOINS: Final = 3
"""A user joins once, so that more would do nothing. A repeat stands for a browser that saw no answer."""


def sign_in(world: World, n: int) -> bool:
    """Let an anonymous user join the account. The request is not repeated when it fails."""
    process = Process(world.next_name("web"), world.settings)
    anonymous, settings = USERS[1 + n % (len(USERS) - 1)], world.settings

    def request() -> None:
        database = SimulatedDatabase(world.postgres_server, process)
        with suppress(SQLAlchemyError):
            joining.join(database, anonymous, ACCOUNT, topic=settings.kafka_topic, emit=settings.kafka_enabled)

    process.spawn(request)
    world.start_request(process)
    return True


def with_joins(history: Sequence[tuple[str, int]], rng: Random) -> list[tuple[str, int]]:
    """Return the history with sign-ins at random places, or in most cases as it is.

    They are inserted and not drawn with a weight, because a user joins an account once in its life.
    """
    actions = list(history)
    for _ in range(rng.randint(1, MAX_JOINS) if rng.random() < SHARE_OF_HISTORIES else 0):
        actions.insert(rng.randrange(len(actions)), (JOIN, rng.getrandbits(24)))
    return actions
