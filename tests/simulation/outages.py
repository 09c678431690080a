"""What happens to PostgreSQL, Kafka and Redis."""

from typing import Final

from bridge.consumer.lane import Window
from tests.simulation.choice import pick
from tests.simulation.kafka import PARTITIONS
from tests.simulation.redis import ANYBODY, Message
from tests.simulation.world import USERS, World


def postgres_away(world: World, n: int) -> bool:
    world.postgres_is_away(world.server.away_since is None)
    return True


def outage(world: World, n: int) -> bool:
    """PostgreSQL is unavailable for a while, and back."""
    world.postgres_is_away(True)
    world.advance((3.0, 9.0, 15.0, 30.0)[n % 4])
    world.postgres_is_away(False)
    return True


JUMPS: Final = (-600.0, -90.0, -5.0, 5.0, 90.0, 600.0)


def clock_jump(world: World, n: int) -> bool:
    world.clock.wrong += JUMPS[n % len(JUMPS)]
    return True


def hosts_clock_jump(world: World, n: int) -> bool:
    world.clock.hosts_wrong += JUMPS[n % len(JUMPS)]
    return True


def lock_head(world: World, n: int) -> bool:
    """Somebody's statement holds the row of a line's head, or lets go of it."""
    if world.postgres.locked:
        world.postgres.locked.clear()
        return True
    line = pick([line for user in USERS if (line := world.postgres.tables.line(user))], n)
    if line:
        world.postgres.locked.add(line[0].id)
    return bool(line)


def narrow_window(world: World, n: int) -> bool:
    """Lanes that are made from now on are full with one or two users, or three records."""
    world.window = Window(users=1 + n % 2, records=3)
    return True


def late_commit(world: World, n: int) -> bool:
    world.postgres.delay_an_id()
    return True


def kafka_away(world: World, n: int) -> bool:
    world.kafka.away = not world.kafka.away
    return True


def log_lost(world: World, n: int) -> bool:
    had = any(one.records for one in world.kafka.partitions)
    world.kafka.lose_log(keeps_commits=n % 2 == 0)
    return had


def records_expire(world: World, n: int) -> bool:
    partition = world.kafka.partitions[n % PARTITIONS]
    partition.low = max(partition.low, len(partition.records) - (n >> 4) % 2)
    return bool(partition.records)


def rebalance(world: World, n: int) -> bool:
    """A partition is to go to another member, which waits for the one that leaves."""
    partition = world.kafka.partitions[n % PARTITIONS]
    members = [one.consumer for one in world.bridges if one.consumer and one.consumer is not partition.wanted]
    partition.wanted = pick(members, n >> 2) or partition.wanted
    return bool(members)


def partition_lost(world: World, n: int) -> bool:
    """The group gives a partition away while its member still believes to have it."""
    moved = rebalance(world, n)
    world.kafka.partitions[n % PARTITIONS].holder = None
    return moved


def redis_away(world: World, n: int) -> bool:
    world.redis.away = not world.redis.away
    return True


def redis_flushed(world: World, n: int) -> bool:
    return world.redis.flush()


def redis_saved(world: World, n: int) -> bool:
    world.redis.save()
    return True


def redis_restored(world: World, n: int) -> bool:
    return world.redis.restore()


def delivered_again(world: World, n: int) -> bool:
    return world.redis.deliver_again()


def slow_queue(world: World, n: int) -> bool:
    """Messages wait in the queue for longer than anybody's patience, or no more."""
    world.redis.delay = 0.0 if world.redis.delay else (25.0, 45.0)[n % 2]
    return True


def message_of_anybody(world: World, n: int) -> bool:
    """A message that nobody of ours sent: of any step, with a token of now or of before."""
    t = pick([world.postgres.tables.thoughts[one] for one in sorted(world.postgres.tables.thoughts)], n)
    if t is not None:
        step = 1 + (n >> 4) % 5 if n & 8 else min(5, t.steps_done + 1 + (n >> 4) % 2)
        token = max(1, t.dispatch_id - (n >> 8) % 2)
        world.redis.queue.append(Message(f"{ANYBODY}{n}", t.id, token, step, alone=True))
    return t is not None


def sent_twice(world: World, n: int) -> bool:
    """A message is in the queue twice."""
    message = pick([*world.redis.queue, *world.redis.unacknowledged], n)
    if message:
        world.redis.queue.append(message)
    return bool(message)


def news(world: World, n: int) -> bool:
    """News of somebody, true or not."""
    world.redis.tell(USERS[n % len(USERS)])
    return True
