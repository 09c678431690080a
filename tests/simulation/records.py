"""Records that other producers write to the work topic, and records that come again."""

from typing import Final
from uuid import UUID

from contracts.events import thought_created
from tests.simulation.choice import pick
from tests.simulation.everyday import THOUGHTS
from tests.simulation.kafka import PARTITIONS
from tests.simulation.store import UNSTORABLE
from tests.simulation.world import USERS, World

STRANGER: Final = UUID(int=77)


def record_again(world: World, n: int) -> bool:
    """A record is in the log again, perhaps in another partition."""
    partition = world.kafka.partitions[n % PARTITIONS]
    found = pick([one for one in partition.records if not one.is_mark], n >> 2)
    if found:
        world.kafka.produce(found.value_, found.headers_, found.key_, (n >> 8) % PARTITIONS)
    return bool(found)


def foreign(world: World, n: int) -> bool:
    """Another producer's thought: good, of a stranger, of an id that another thought has, or with data that nobody can
    store; its turn is missing or wrong."""
    kind, user = (n >> 2) % 6, USERS[n % len(USERS)]
    if kind < 3 and len(world.written) >= THOUGHTS:
        return False
    thought = UUID(int=100 + len(world.written))
    if kind < 3:
        world.written.append((user, thought))
    taken = pick(world.written, n >> 5)
    if kind == 3:
        user = STRANGER
    if kind == 4 and taken:
        user, thought = (user if n % 2 else taken[0]), taken[1]
    text = UNSTORABLE if kind == 5 else "From elsewhere"
    thought = UUID(int=9000 + n % 50) if kind in {3, 5} else thought
    headers = [("turn", str(1 + (n >> 6) % 3).encode())] if (n >> 9) % 4 == 0 else []
    value = thought_created(user, thought, text).to_bytes()
    world.kafka.produce(value, headers, str(user).encode(), (n >> 7) % PARTITIONS)
    return True


def garbage(world: World, n: int) -> bool:
    """A record that is no event, or that nobody can decode, or none at all but a transaction's mark."""
    number = (n >> 4) % PARTITIONS
    if (n >> 6) % 4 == 0:
        world.kafka.damage(number)
    elif (n >> 6) % 4 == 1:
        world.kafka.end_transaction(number)
    else:
        value = (None, b"", b"\xff\x00", b"[]", b'{"event_type": "thought_created"}')[n % 5]
        world.kafka.produce(value, [], None, number)
    return True


def log_replaced(world: World, n: int) -> bool:
    """The topic is made anew under its readers, and has records at once."""
    world.kafka.lose_log(keeps_commits=n % 2 == 0)
    for number in range(2 + n % 5):
        foreign(world, (n >> 3) + 577 * number)
    return True
