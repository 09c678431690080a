"""Records that external producers write to the work topic, and records that are written again."""

from typing import Final
from uuid import UUID

from contracts.events import thought_created
from tests.simulation.choice import pick
from tests.simulation.kafka import PARTITIONS
from tests.simulation.ordinary_actions import MAX_THOUGHTS
from tests.simulation.store import UNSTORABLE
from tests.simulation.world import USERS, World

UNKNOWN_USER: Final = UUID(int=77)


def duplicate_record(world: World, n: int) -> bool:
    """Append a record again, perhaps to another partition."""
    partition = world.kafka.partitions[n % PARTITIONS]
    record = pick([record for record in partition.records if not record.is_transaction_marker], n >> 2)
    if record:
        world.kafka.produce(record.value_, record.headers_, record.key_, (n >> 8) % PARTITIONS)
    return bool(record)


def external_thought(world: World, n: int) -> bool:
    """Append an external producer's thought: valid, of an unknown user, with the id of another thought, or with data
    that PostgreSQL refuses. Its turn is missing or wrong."""
    kind, user = (n >> 2) % 6, USERS[n % len(USERS)]
    if kind < 3 and len(world.submitted) >= MAX_THOUGHTS:
        return False
    thought = UUID(int=100 + len(world.submitted))
    if kind < 3:
        world.submitted.append((user, thought))
    existing = pick(world.submitted, n >> 5)
    if kind == 3:
        user = UNKNOWN_USER
    if kind == 4 and existing:
        user, thought = (user if n % 2 else existing[0]), existing[1]
    # The histories depend on the bytes of the text: a failure id is made of them.
    text = UNSTORABLE if kind == 5 else "From elsewhere"
    thought = UUID(int=9000 + n % 50) if kind in {3, 5} else thought
    headers = [("turn", str(1 + (n >> 6) % 3).encode())] if (n >> 9) % 4 == 0 else []
    value = thought_created(user, thought, text).to_bytes()
    world.kafka.produce(value, headers, str(user).encode(), (n >> 7) % PARTITIONS)
    return True


def invalid_record(world: World, n: int) -> bool:
    """Append a record that is no event, one that cannot be decoded, or the marker of a transaction."""
    number = (n >> 4) % PARTITIONS
    if (n >> 6) % 4 == 0:
        world.kafka.append_corrupt(number)
    elif (n >> 6) % 4 == 1:
        world.kafka.append_transaction_marker(number)
    else:
        value = (None, b"", b"\xff\x00", b"[]", b'{"event_type": "thought_created"}')[n % 5]
        world.kafka.produce(value, [], None, number)
    return True


def recreate_topic_with_records(world: World, n: int) -> bool:
    """Recreate the topic under its readers, and append records at once."""
    world.kafka.recreate_topic(keep_commits=n % 2 == 0)
    for number in range(2 + n % 5):
        external_thought(world, (n >> 3) + 577 * number)
    return True
