"""One history: the processes and the servers, and the end in which nothing more goes wrong.

A history is a list of actions, each a name and a number. The number chooses among what is there at that moment, and
an action for which nothing is there does nothing: so a list from which actions were taken out is a history as well.
"""

import random
import threading
from collections import Counter
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from contracts.settings import Settings
from tests.simulation.actors import (
    BATCH,
    KAFKA,
    SLOTS,
    BridgeProcess,
    RelayProcess,
    Servers,
    WebProcess,
    WorkerProcess,
)
from tests.simulation.clock import Clock
from tests.simulation.database import Server
from tests.simulation.fibers import Fate, Fiber, Process
from tests.simulation.kafka import Kafka, Message, Partition
from tests.simulation.postgres import Postgres
from tests.simulation.promise import Promise, Sentence
from tests.simulation.redis import Redis

USERS: Final = tuple(UUID(int=number) for number in range(1, 4))
"""The last one is not known before the first thought is written."""
SLICE: Final = 5.0
"""Seconds after which every living bridge and every renewal has had its turn."""
LONGEST_HOP: Final = 900.0
QUIET_ROUNDS: Final = 50
"""Rounds in which nothing changes, some ten hours: longer than the longest pause of a sweep."""

ROUNDS: Final = 800
"""Rounds without faults after which what is not over never will be."""


class World:
    """Everything there is. `off` names the guards that are switched off."""

    def __init__(self, off: frozenset[str] = frozenset()) -> None:
        random.seed(7)  # what the code under test draws: jitter
        self.off = off
        self.clock = Clock()
        self.promise = Promise(self.clock.monotonic)
        self.postgres = Postgres(self.clock.wall, self.promise, off)
        self.postgres.tables.users.update(dict.fromkeys(USERS[:-1], 0))
        self.server = Server(self.postgres, self.clock.monotonic)
        self.kafka = Kafka(self.clock.monotonic, self._check_commit)
        self.redis = Redis(self.clock.monotonic)
        self.servers = Servers(self.clock, self.promise, self.server, self.kafka, self.redis)
        self.met: Counter[str] = Counter()
        self.story: list[str] | None = None
        self.written: list[tuple[UUID, UUID]] = []
        """(user, thought) of all that was asked for."""
        self.batch_mode = False
        self._stop = threading.Event()
        self._numbers: Counter[str] = Counter()
        self._attended = 0.0
        self.workers = [self.new_worker() for _ in range(2)]
        self.relays = [self.new_relay() for _ in range(2)]
        self.bridges = [self.new_bridge() for _ in range(2)]
        self.webs: list[Process] = []
        self.is_calm = False
        self.share_partitions()

    def _name(self, kind: str) -> str:
        self._numbers[kind] += 1
        return f"{kind} {self._numbers[kind]}"

    def _call_id(self) -> UUID:
        self._numbers["call"] += 1
        return UUID(int=10**6 + self._numbers["call"])

    def new_worker(self) -> WorkerProcess:
        """A fresh worker process."""
        return WorkerProcess(self._name("worker"), self.servers, self._call_id)

    def new_relay(self) -> RelayProcess:
        """A fresh relay."""
        return RelayProcess(self._name("relay"), self.servers, self._settings, self._stop)

    def new_bridge(self) -> BridgeProcess:
        """A fresh bridge of the present mode."""
        bridge = BridgeProcess(self._name("bridge"), self.servers, self._settings)
        bridge.awake_since = self.clock.now
        return bridge

    @property
    def _settings(self) -> Settings:
        return BATCH if self.batch_mode else KAFKA

    def write(self, user: UUID, thought: UUID) -> None:
        """A request to the web."""
        web = WebProcess(self._name("web"), self.servers, user, thought, f"Thought {thought.int}")
        self.webs.append(web)

    def replace_dead(self) -> None:
        """Whoever keeps the processes running starts what has ended."""
        self.workers = [self.new_worker() if one.dead else one for one in self.workers]
        self.relays = [self.new_relay() if one.dead else one for one in self.relays]
        if any(one.dead for one in self.bridges):
            self.bridges = [self.new_bridge() if one.dead else one for one in self.bridges]
            self.share_partitions()

    def share_partitions(self) -> None:
        """The group gives the partitions of members that left to the others; in the end also of those that are stopped:
        by then they have been silent for longer than their sessions."""
        members = [one.consumer for one in self.bridges if one.consumer and not (self.is_calm and one.stopped)]
        for number, partition in enumerate(self.kafka.partitions):
            if partition.holder is not None and partition.holder not in members:
                partition.holder = None
            if partition.wanted not in members:
                partition.wanted = members[number % len(members)] if members else None

    def ready(self, processes: Iterable[Process]) -> list[Fiber]:
        """The fibers that may go on now, but for the renewals, which time itself wakes."""
        now = self.clock.now
        return [
            fiber
            for process in processes
            if not process.stopped
            for fiber in process.fibers
            if fiber.wake <= now and fiber.name != "renewal"
        ]

    def go(self, fiber: Fiber, fate: Fate = Fate.GO) -> None:
        """Let one go on by one wait."""
        if self.story is not None:
            self.tell(f"{fiber.process.name}: {fiber.waits_for} {fate.name.lower()}")
        fiber.go(fate)

    def tell(self, what: str) -> None:
        """A line of the story, when somebody wants to read it."""
        if self.story is not None:
            self.story.append(f"{self.clock.now - 1000.0:9.2f}  {what}")

    def go_until(self, fiber: Fiber, wait: str) -> None:
        """Let one go on until it waits for this again, or ends."""
        for _ in range(200):
            self.go(fiber)
            if fiber.dead or fiber.waits_for == wait or fiber.wake > self.clock.now:
                return

    def turn(self, bridge: BridgeProcess) -> None:
        """One round of a bridge."""
        for fiber in self.ready([bridge]):
            self.go_until(fiber, "poll")
        if bridge.dead:
            self.met["bridge left"] += 1
            self.replace_dead()

    def relay(self, relay: RelayProcess, *, wakes: bool = False) -> None:
        """One round of a relay, which may be woken before it has slept enough."""
        if wakes:
            for fiber in relay.fibers:
                fiber.wake = 0.0
        for fiber in self.ready([relay]):
            self.go_until(fiber, "sleep")

    def deliver(self, worker: WorkerProcess, number: int) -> bool:
        """One message to a free slot."""
        if worker.stopped or worker.busy >= SLOTS or self.redis.away:
            return False
        due = [one for one in self.redis.queue if one.due <= self.clock.now]
        if due:
            worker.deliver(due[number % len(due)])
        return bool(due)

    def advance(self, seconds: float) -> None:
        """Time passes; living processes renew their calls and look after their lines meanwhile."""
        until = self.clock.now + seconds
        while self.clock.now < until:
            self.clock.now = min(until, self.clock.now + SLICE)
            self._renew()
            if self.clock.now - self._attended >= SLICE:
                self._attended = self.clock.now
                for bridge in list(self.bridges):
                    self.turn(bridge)

    def _renew(self) -> None:
        for worker in self.workers:
            for fiber in () if worker.stopped else worker.fibers:
                while fiber.name == "renewal" and fiber.wake <= self.clock.now and not fiber.dead:
                    fiber.go()

    def _check_commit(self, partition: Partition, offset: int) -> None:
        for message in partition.records[max(partition.checked, partition.low) : offset]:
            if not self._is_done(message):
                self.promise.broken(
                    Sentence.OFFSETS, f"offset {offset} was committed past {message.at}: {message.names()}"
                )
                return
        partition.checked = max(partition.checked, min(offset, len(partition.records)))

    def _is_done(self, message: Message) -> bool:
        named = message.names()
        thought = self.postgres.tables.thoughts.get(named[1]) if named else None
        if named and thought and thought.user_id == named[0] and self.promise.was_terminal(thought, named[2]):
            return True
        return message.is_mark or self.promise.is_buried(message, self.postgres.tables.letters)

    def settle(self) -> None:
        """No more faults: everything ends, also what comes back from a long stop after that."""
        self._calm()
        self._work_off()
        if not self._is_over():
            self.promise.broken(Sentence.ENDS, "it does not end while those who were stopped are not resumed")
        if stopped := [one for one in [*self.bridges, *self.relays, *self.workers] if one.stopped]:
            for process in stopped:
                process.stopped = False
            self._work_off()
        self.promise.ended(self.postgres.tables.thoughts)
        self.promise.letters(self.postgres.tables.letters, self.kafka.dead)
        if not self._is_over():
            self.promise.broken(Sentence.ENDS, "the log is not committed, or the outbox not empty, for ever")

    def _calm(self) -> None:
        """The servers are back, and beside every process that is stopped there is one that is not."""
        self.postgres_is_away(False)
        self.kafka.away = self.redis.away = False
        self.postgres.locked.clear()
        self.postgres.delayed_ids.clear()
        if self.batch_mode:
            self.batch_mode = False
            for process in [*self.bridges, *self.relays]:
                process.kill()
            self.replace_dead()
        if all(one.stopped or one.busy for one in self.workers):
            self.workers.append(self.new_worker())
        if all(one.stopped for one in self.relays):
            self.relays.append(self.new_relay())
        if all(one.stopped for one in self.bridges):
            self.bridges.append(self.new_bridge())
        self.is_calm = True
        self.share_partitions()

    def postgres_is_away(self, away: bool) -> None:
        """An outage begins or ends."""
        if not away and self.server.away_since is not None:
            self.promise.outages.append((self.server.away_since, self.clock.now))
        self.server.away_since = (self.server.away_since or self.clock.now) if away else None

    def _work_off(self) -> None:
        hop, quiet, before = 0.0, 0, None
        for _ in range(ROUNDS):
            self._round()
            if self.promise.breach or self._is_over() or quiet > QUIET_ROUNDS:
                return
            found = self._state()
            hop, quiet = (0.5, 0) if found != before else (min(LONGEST_HOP, 4 * hop), quiet + 1)
            before = found
            self._pass(hop)

    def _pass(self, seconds: float) -> None:
        """Time passes, in steps only while calls are in progress that must be renewed."""
        if any(worker.busy for worker in self.workers):
            self.advance(seconds)
        else:
            self.clock.now += seconds
            self._renew()

    def _round(self) -> None:
        """Everybody does what is to be done now."""
        for fiber in self.ready(self.webs):
            self.go_until(fiber, "its end")
        for relay in self.relays:
            self.relay(relay)
        for bridge in list(self.bridges):
            self.turn(bridge)
        while sum(self.deliver(worker, 0) for worker in self.workers) or self.ready(self.workers):
            for fiber in self.ready(self.workers):
                self.go_until(fiber, "its end")

    def _state(self) -> tuple[int, ...]:
        """Changes whenever something was done."""
        tables = self.postgres.tables
        return (
            sum(one.beat for one in tables.thoughts.values()),
            len(tables.outbox),
            len(self.redis.queue),
            sum(len(one.records) + (one.committed or (0, ""))[0] for one in self.kafka.partitions),
        )

    def _is_over(self) -> bool:
        """A member that was stopped in its commit may commit less than the next one already did; that is no harm."""
        if self.postgres.tables.outbox or any(one.is_open for one in self.postgres.tables.thoughts.values()):
            return False
        return all(max(one.low, one.checked) == len(one.records) for one in self.kafka.partitions)

    def close(self) -> None:
        """End all fibers."""
        for process in [*self.bridges, *self.relays, *self.workers, *self.webs]:
            process.kill()
