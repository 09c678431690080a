"""What may happen in a history: the everyday, and what goes wrong. Each says whether it could happen.

`n` chooses among what is there. What an action does not find is skipped, so that histories can be shortened.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar
from uuid import UUID

from bridge.letters.replay import discard, replay
from contracts.events import thought_created
from tasks.batches import Batches
from tests.simulation.actors import BATCH, KAFKA
from tests.simulation.database import Door
from tests.simulation.fibers import Fate, Process
from tests.simulation.kafka import PARTITIONS
from tests.simulation.store import UNSTORABLE
from tests.simulation.world import USERS, World
from webapp.deletion import delete

Action = Callable[[World, int], bool]
T = TypeVar("T")

THOUGHTS: Final = 7
STRANGER: Final = UUID(int=77)
BURST: Final = 4
"""A process that is let go on may go through up to so many waits before another one has its turn."""


def pick(found: Sequence[T], n: int) -> T | None:
    """One of them, chosen by the number."""
    return found[n % len(found)] if found else None


# --- The everyday


def write(world: World, n: int) -> bool:
    if len(world.written) >= THOUGHTS:
        return False
    user, thought = USERS[n % len(USERS)], UUID(int=100 + len(world.written))
    world.written.append((user, thought))
    world.write(user, thought)
    return True


def write_again(world: World, n: int) -> bool:
    """A browser repeats a request whose answer it did not see."""
    found = pick(world.written, n)
    if found:
        world.write(*found)
    return bool(found)


def request(world: World, n: int) -> bool:
    fiber = pick(world.ready(world.webs), n)
    if fiber is not None:
        world.go_until(fiber, "its end")
    return fiber is not None


def onward(world: World, n: int) -> bool:
    """Everybody who is awake does what is next on the way of a thought, a moment after the other."""
    for fiber in world.ready(world.webs):
        world.go_until(fiber, "its end")
    relay(world, n)
    world.advance(0.05)
    for bridge in [one for one in world.bridges if not one.stopped]:
        world.turn(bridge)
    return sum(world.deliver(worker, n >> 4) for worker in world.workers) > 0


def work(world: World, n: int) -> bool:
    fiber = pick(world.ready(world.workers), n)
    if fiber is None:
        return False
    for _ in range(1 + (n >> 8) % BURST):
        world.go(fiber)
        if fiber.dead or fiber.wake > world.clock.now:
            break
    return True


def take(world: World, n: int) -> bool:
    return any(world.deliver(worker, n >> 4) for worker in _rotated(world.workers, n))


def turn(world: World, n: int) -> bool:
    bridge = pick([one for one in world.bridges if not one.stopped], n)
    if bridge:
        world.turn(bridge)
    return bool(bridge)


def relay(world: World, n: int) -> bool:
    awake = [one for one in world.relays if not one.stopped]
    one = pick(awake, n)
    if one:
        world.relay(one, wakes=True)
    return bool(one)


def moment(world: World, n: int) -> bool:
    world.advance((0.05, 0.1, 0.3, 1.0)[n % 4])
    return True


def while_(world: World, n: int) -> bool:
    world.advance((2.0, 5.0, 12.0, 21.0)[n % 4])
    return True


def long_while(world: World, n: int) -> bool:
    world.advance((25.0, 25.0, 45.0, 70.0)[n % 4])
    return True


def mend(world: World, n: int) -> bool:
    """Somebody looks after the servers: what is away is back."""
    was_away = world.kafka.away or world.redis.away or world.server.away_since is not None
    world.kafka.away = world.redis.away = False
    world.postgres_is_away(False)
    return was_away


def _rotated(found: Sequence[T], n: int) -> list[T]:
    at = n % len(found) if found else 0
    return [*found[at:], *found[:at]]


# --- Statements and answers that are late or lost


def _steps(fate: Fate, *, agent: bool = False) -> Action:
    def action(world: World, n: int) -> bool:
        fiber = pick([one for one in world.ready(world.workers) if (one.waits_for == "agent") is agent], n)
        if fiber is not None:
            world.go(fiber, fate)
        return fiber is not None

    return action


def _bridges(fate: Fate) -> Action:
    def action(world: World, n: int) -> bool:
        fiber = pick([one for one in world.ready(world.bridges) if one.waits_for != "poll"], n)
        if fiber is not None:
            world.go(fiber, fate)
            world.replace_dead()
        return fiber is not None

    return action


def bridge_step(world: World, n: int) -> bool:
    """A bridge goes on to its next wait only."""
    fiber = pick(world.ready(world.bridges), n)
    if fiber is not None:
        world.go(fiber)
        world.replace_dead()
    return fiber is not None


def _relays(fate: Fate) -> Action:
    def action(world: World, n: int) -> bool:
        fiber = pick(world.ready(world.relays), n)
        if fiber is not None:
            world.go(fiber, fate)
        return fiber is not None

    return action


def _requests(fate: Fate) -> Action:
    def action(world: World, n: int) -> bool:
        fiber = pick(world.ready(world.webs), n)
        if fiber is not None:
            world.go(fiber, fate)
        return fiber is not None

    return action


# --- Deaths and stops


def _killed(kind: str) -> Action:
    def action(world: World, n: int) -> bool:
        process = pick(_processes(world, kind), n)
        if process:
            process.kill()
            world.replace_dead()
        return bool(process)

    return action


def _stopped(kind: str) -> Action:
    def action(world: World, n: int) -> bool:
        process = pick([one for one in _processes(world, kind) if not one.stopped], n)
        if process:
            process.stopped = True
        return bool(process)

    return action


def resume(world: World, n: int) -> bool:
    """Who was stopped goes on, and knows nothing of what happened meanwhile."""
    every = [*world.workers, *world.bridges, *world.relays, *world.webs]
    process = pick([one for one in every if one.stopped], n)
    if process:
        process.stopped, process.awake_since = False, world.clock.now
    return bool(process)


def kill_in_call(world: World, n: int) -> bool:
    """The worker of a call in progress dies: the gap between claim and save."""
    worker = pick([one for one in world.workers if any(fiber.waits_for == "agent" for fiber in one.fibers)], n)
    if worker:
        worker.kill()
        world.replace_dead()
    return bool(worker)


def stop_before_call(world: World, n: int) -> bool:
    """The worker is stopped with the answer to its claim under way."""
    waiting = ("statement", "answer")
    worker = pick([one for one in world.workers if any(fiber.waits_for in waiting for fiber in one.fibers)], n)
    if worker:
        worker.stopped = True
    return bool(worker)


def _processes(world: World, kind: str) -> Sequence[Process]:
    found: dict[str, Sequence[Process]] = {
        "worker": world.workers,
        "bridge": world.bridges,
        "relay": world.relays,
        "web": world.webs,
    }
    return found[kind]


# --- Servers


def postgres_away(world: World, n: int) -> bool:
    world.postgres_is_away(world.server.away_since is None)
    return True


def outage(world: World, n: int) -> bool:
    """PostgreSQL is away for a while, and back."""
    world.postgres_is_away(True)
    world.advance((3.0, 9.0, 15.0, 30.0)[n % 4])
    world.postgres_is_away(False)
    return True


def clock_jump(world: World, n: int) -> bool:
    world.clock.wrong += (-600.0, -90.0, -5.0, 5.0, 90.0, 600.0)[n % 6]
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
    partition.low = len(partition.records) - (n >> 4) % 2 if partition.records else 0
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


# --- Records of others


def record_again(world: World, n: int) -> bool:
    """A record is in the log again, perhaps in another partition."""
    partition = world.kafka.partitions[n % PARTITIONS]
    found = pick(partition.records, n >> 2)
    if found:
        world.kafka.produce(found.value_, found.headers_, found.key_, (n >> 8) % PARTITIONS)
    return bool(found)


def foreign(world: World, n: int) -> bool:
    """Another producer's thought: good, of a stranger, of an id that is somebody else's, or with data that nobody can
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
        thought = taken[1]
    text = UNSTORABLE if kind == 5 else "From elsewhere"
    thought = UUID(int=9000 + n % 50) if kind in {3, 5} else thought
    headers = [("turn", str(1 + (n >> 6) % 3).encode())] if (n >> 9) % 4 == 0 else []
    value = thought_created(user, thought, text).to_bytes()
    world.kafka.produce(value, headers, str(user).encode(), (n >> 7) % PARTITIONS)
    return True


def garbage(world: World, n: int) -> bool:
    """A record that is no event."""
    value = (None, b"", b"\xff\x00", b"[]", b'{"event_type": "thought_created"}')[n % 5]
    world.kafka.produce(value, [], None, (n >> 4) % PARTITIONS)
    return True


# --- People


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
    return found is not None and _does(world, "author", lambda database: delete(database, found))


def other_mode(world: World, n: int) -> bool:
    """The system is switched to batch mode, or back; its bridges and relays start anew."""
    world.batch_mode = not world.batch_mode
    for process in [*world.bridges, *world.relays]:
        process.kill()
    world.replace_dead()
    return True


def batch_asked(world: World, n: int) -> bool:
    return _does(world, "beat", lambda database: Batches(database).request())


EVERYDAY: Final[dict[str, tuple[Action, float]]] = {
    "write": (write, 6),
    "request": (request, 3),
    "onward": (onward, 16),
    "work": (work, 34),
    "take": (take, 12),
    "turn": (turn, 4),
    "relay": (relay, 2),
    "moment": (moment, 5),
    "while": (while_, 2),
    "mend": (mend, 4),
}
"""What always happens, and how often."""

FAULTS: Final[dict[str, tuple[Action, float]]] = {
    "step late": (_steps(Fate.LATE), 3),
    "step's answer lost": (_steps(Fate.LOST), 3),
    "step not asked": (_steps(Fate.AWAY), 2),
    "agent busy": (_steps(Fate.TRANSIENT, agent=True), 4),
    "agent refuses": (_steps(Fate.PERMANENT, agent=True), 1),
    "agent talks nonsense": (_steps(Fate.INVALID, agent=True), 2),
    "result unstorable": (_steps(Fate.UNSTORABLE, agent=True), 0.5),
    "bridge step": (bridge_step, 4),
    "bridge late": (_bridges(Fate.LATE), 2),
    "bridge's answer lost": (_bridges(Fate.LOST), 2),
    "bridge not answered": (_bridges(Fate.AWAY), 2),
    "half sent": (_bridges(Fate.TRANSIENT), 1),
    "relay step": (_relays(Fate.GO), 3),
    "relay late": (_relays(Fate.LATE), 2),
    "relay's answer lost": (_relays(Fate.LOST), 2),
    "relay not answered": (_relays(Fate.AWAY), 1),
    "half published": (_relays(Fate.TRANSIENT), 3),
    "request late": (_requests(Fate.LATE), 1),
    "request's answer lost": (_requests(Fate.LOST), 2),
    "request not answered": (_requests(Fate.AWAY), 1),
    "write again": (write_again, 1),
    "kill worker": (_killed("worker"), 1.5),
    "kill in call": (kill_in_call, 2),
    "kill bridge": (_killed("bridge"), 1),
    "kill relay": (_killed("relay"), 1),
    "kill web": (_killed("web"), 0.5),
    "stop worker": (_stopped("worker"), 1),
    "stop before call": (stop_before_call, 2),
    "stop bridge": (_stopped("bridge"), 1),
    "stop relay": (_stopped("relay"), 1),
    "stop web": (_stopped("web"), 0.3),
    "resume": (resume, 3),
    "long while": (long_while, 2),
    "postgres away": (postgres_away, 1),
    "outage": (outage, 1),
    "clock jump": (clock_jump, 1),
    "lock head": (lock_head, 3),
    "late commit": (late_commit, 2),
    "kafka away": (kafka_away, 1),
    "log lost": (log_lost, 0.7),
    "records expire": (records_expire, 0.7),
    "rebalance": (rebalance, 1.5),
    "partition lost": (partition_lost, 1.5),
    "redis away": (redis_away, 0.7),
    "redis flushed": (redis_flushed, 0.7),
    "redis saved": (redis_saved, 1),
    "redis restored": (redis_restored, 0.7),
    "delivered again": (delivered_again, 1.5),
    "sent twice": (sent_twice, 1.5),
    "news": (news, 1),
    "record again": (record_again, 1.5),
    "foreign": (foreign, 2),
    "garbage": (garbage, 0.7),
    "replayed": (replayed, 3),
    "discarded": (discarded, 0.5),
    "deleted": (deleted, 0.7),
    "other mode": (other_mode, 0.5),
    "batch asked": (batch_asked, 0.7),
}
"""What goes wrong; each history draws some of them."""

ACTIONS: Final = {name: action for name, (action, _) in {**EVERYDAY, **FAULTS}.items()}
