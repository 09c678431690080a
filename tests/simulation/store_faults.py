"""Faults of PostgreSQL, Kafka, Redis and the clocks."""

from typing import Final

from bridge.consumer.in_flight_limit import MIN_LIMIT
from bridge.consumer.window import Window
from tests.simulation.choice import pick
from tests.simulation.kafka import PARTITIONS
from tests.simulation.redis import EXTERNAL_TASK_PREFIX, Message
from tests.simulation.world import USERS, World


def toggle_postgres(world: World, n: int) -> bool:
    world.set_postgres_unavailable(world.postgres_server.unavailable_since is None)
    return True


def postgres_outage(world: World, n: int) -> bool:
    """Make PostgreSQL unavailable for a while."""
    world.set_postgres_unavailable(True)
    world.pass_time((3.0, 9.0, 15.0, 30.0)[n % 4])
    world.set_postgres_unavailable(False)
    return True


CLOCK_JUMPS: Final = (-600.0, -90.0, -5.0, 5.0, 90.0, 600.0)


def postgres_clock_jump(world: World, n: int) -> bool:
    world.clock.postgres_skew += CLOCK_JUMPS[n % len(CLOCK_JUMPS)]
    return True


def hosts_clock_jump(world: World, n: int) -> bool:
    world.clock.hosts_skew += CLOCK_JUMPS[n % len(CLOCK_JUMPS)]
    return True


def lock_head(world: World, n: int) -> bool:
    """Lock the row of a line's head for another statement, or release the lock."""
    if world.postgres.locked:
        world.postgres.locked.clear()
        return True
    line = pick([line for user in USERS if (line := world.postgres.tables.line(user))], n)
    if line:
        world.postgres.locked.add(line[0].id)
    return bool(line)


def narrow_window(world: World, n: int) -> bool:
    """Make new lanes full with one or two users, or with three records."""
    world.window = Window(users=1 + n % 2, records=3)
    return True


def change_in_flight_limit(world: World, n: int) -> bool:
    """Let workers come or go, so that each bridge may have one, two or many thoughts in flight."""
    world.redis.in_flight_limit = (1, 2, MIN_LIMIT)[n % 3]
    return True


def swap_outbox_ids(world: World, n: int) -> bool:
    """Make the next two outbox rows commit in the reverse order of their ids."""
    world.postgres.swap_next_ids()
    return True


def toggle_kafka(world: World, n: int) -> bool:
    world.kafka.is_unavailable = not world.kafka.is_unavailable
    return True


def recreate_topic(world: World, n: int) -> bool:
    had_records = any(partition.records for partition in world.kafka.partitions)
    world.kafka.recreate_topic(keep_commits=n % 2 == 0)
    return had_records


def expire_records(world: World, n: int) -> bool:
    partition = world.kafka.partitions[n % PARTITIONS]
    partition.low = max(partition.low, len(partition.records) - (n >> 4) % 2)
    return bool(partition.records)


def rebalance(world: World, n: int) -> bool:
    """Assign a partition to another member, which waits until the present owner gives it up."""
    partition = world.kafka.partitions[n % PARTITIONS]
    members = [
        bridge.consumer for bridge in world.bridges if bridge.consumer and bridge.consumer is not partition.next_owner
    ]
    partition.next_owner = pick(members, n >> 2) or partition.next_owner
    return bool(members)


def lose_partition(world: World, n: int) -> bool:
    """Reassign a partition while its present owner still believes to have it."""
    has_moved = rebalance(world, n)
    world.kafka.partitions[n % PARTITIONS].owner = None
    return has_moved


def toggle_redis(world: World, n: int) -> bool:
    world.redis.is_unavailable = not world.redis.is_unavailable
    return True


def flush_redis(world: World, n: int) -> bool:
    return world.redis.flush()


def save_redis_snapshot(world: World, n: int) -> bool:
    world.redis.save_snapshot()
    return True


def restore_redis_snapshot(world: World, n: int) -> bool:
    return world.redis.restore_snapshot()


def redeliver_messages(world: World, n: int) -> bool:
    return world.redis.redeliver()


def toggle_slow_queue(world: World, n: int) -> bool:
    """Make messages wait in the queue for longer than a lease, or no longer."""
    world.redis.delivery_delay = 0.0 if world.redis.delivery_delay else (25.0, 45.0)[n % 2]
    return True


def toggle_model(world: World, n: int) -> bool:
    """Make the model service unavailable, or available again."""
    world.servers.is_model_down = not world.servers.is_model_down
    world.checks.model_down_since = world.clock.now if world.servers.is_model_down else None
    return True


def forge_message(world: World, n: int) -> bool:
    """Queue a message that no process sent: of any step, with the current dispatch id or the one before."""
    thoughts = world.postgres.tables.thoughts
    t = pick([thoughts[thought_id] for thought_id in sorted(thoughts)], n)
    if t is not None:
        step = 1 + (n >> 4) % 5 if n & 8 else min(5, t.steps_done + 1 + (n >> 4) % 2)
        dispatch_id = max(1, t.dispatch_id - (n >> 8) % 2)
        world.redis.queue.append(Message(f"{EXTERNAL_TASK_PREFIX}{n}", t.id, dispatch_id, step, is_solo=True))
    return t is not None


def duplicate_message(world: World, n: int) -> bool:
    """Queue a message a second time."""
    message = pick([*world.redis.queue, *world.redis.unacknowledged], n)
    if message:
        world.redis.queue.append(message)
    return bool(message)


def forge_wakeup(world: World, n: int) -> bool:
    """Send a wake-up for a user, whether or not a thought of that user has ended."""
    world.redis.publish_wakeup(USERS[n % len(USERS)])
    return True
