"""One history: the processes and the servers.

A history is a list of actions, each a name and a number. The number chooses among what is there at that moment, and
an action for which nothing is there does nothing: so a list from which actions were taken out is a history as well.
"""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from bridge.consumer.lane import Window
from contracts.settings import Settings
from tests.simulation.actors import KAFKA, BridgeProcess, RelayProcess, Servers, WebProcess
from tests.simulation.clock import BEGIN, Clock
from tests.simulation.database import Server
from tests.simulation.fibers import Fate, Fiber, Process
from tests.simulation.kafka import Kafka
from tests.simulation.log_watch import LogWatch
from tests.simulation.postgres import Postgres
from tests.simulation.promise import Promise
from tests.simulation.redis import Redis
from tests.simulation.workers import SLOTS, WorkerProcess

USERS: Final = tuple(UUID(int=number) for number in range(1, 4))
"""The last one is not known before the first thought is written."""
SLICE: Final = 5.0
"""Seconds after which every living bridge has had its turn."""

Bite = tuple[str, str, str]
"""A fault that met somebody: the kind of process, what it waited for, and what became of it."""


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
        log_watch = LogWatch(self.promise, self.postgres.tables)
        self.kafka = Kafka(self.clock.monotonic, self.clock.time, log_watch.check, lambda: self.promise.places)
        log_watch.look_at(self.kafka)
        self.promise.in_log = log_watch.stored
        self.redis = Redis(self.clock.monotonic)
        self.servers = Servers(self.clock, self.promise, self.server, self.kafka, self.redis)
        self.met: Counter[str] = Counter()
        self.bites: Counter[Bite] = Counter()
        self.story: list[str] | None = None
        self.written: list[tuple[UUID, UUID]] = []
        """(user, thought) of all that was asked for."""
        self.settings: Settings = KAFKA
        """Those of the processes that are started now."""
        self.window = Window()
        """Of the lanes that are made now."""
        self._numbers: Counter[str] = Counter()
        self._attended = 0.0
        self.workers = [self.new_worker() for _ in range(2)]
        self.relays = [self.new_relay() for _ in range(2)]
        self.bridges = [self.new_bridge() for _ in range(2)]
        self.webs: list[Process] = []
        """Requests, and what people do at a terminal."""
        self.is_calm = False
        self.share_partitions()

    def name(self, kind: str) -> str:
        """The name of a new process."""
        self._numbers[kind] += 1
        return f"{kind} {self._numbers[kind]}"

    def _call_id(self) -> UUID:
        self._numbers["call"] += 1
        return UUID(int=10**6 + self._numbers["call"])

    def new_worker(self) -> WorkerProcess:
        """A fresh worker process."""
        return WorkerProcess(self.name("worker"), self.servers, self.settings, self._call_id)

    def new_relay(self) -> RelayProcess:
        """A fresh relay."""
        return RelayProcess(self.name("relay"), self.servers, self.settings)

    def new_bridge(self) -> BridgeProcess:
        """A fresh bridge of the present mode."""
        bridge = BridgeProcess(self.name("bridge"), self.servers, self.settings)
        bridge.awake_since = self.clock.now
        return bridge

    def write(self, user: UUID, thought: UUID) -> None:
        """A request to the web."""
        text = f"Thought {thought.int}"
        self.ask(WebProcess(self.name("web"), self.servers, self.settings, user, thought, text))

    def ask(self, process: Process) -> None:
        """Somebody's request or command, which begins when it is let go on."""
        self.webs = [*(one for one in self.webs if one.fibers), process]

    def of(self, kind: str) -> Sequence[Process]:
        """The processes of a kind; what people ask for is the web's."""
        found: dict[str, Sequence[Process]] = {
            "worker": self.workers,
            "bridge": self.bridges,
            "relay": self.relays,
            "web": self.webs,
        }
        return found[kind]

    def replace_dead(self) -> None:
        """Whoever keeps the processes running starts what has ended."""
        for process in [*self.workers, *self.relays, *self.bridges]:
            if process.dead:
                process.kill()
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

    def switch(self, settings: Settings) -> None:
        """Another mode: bridges and relays start anew, and so do the workers, each when its steps have ended. Who is
        stopped hears of it later."""
        self.settings = settings
        servants: list[BridgeProcess | RelayProcess] = [*self.bridges, *self.relays]
        for process in servants:
            if process.stopped and process.fibers:
                process.stop.set()
            else:
                process.kill()
        for worker in self.workers:
            worker.drain()
        self.replace_dead()

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

    def may(self, fiber: Fiber, fate: Fate) -> bool:
        """Whether a fate means something where this one waits; nothing does while the server it waits for is away."""
        return fate in fiber.means.fates and not self._is_away(fiber.means.server)

    def _is_away(self, server: str) -> bool:
        if server == "postgres":
            return self.server.away_since is not None
        return (server == "kafka" and self.kafka.away) or (server == "redis" and self.redis.away)

    def go(self, fiber: Fiber, fate: Fate = Fate.GO) -> None:
        """Let one go on by one wait."""
        if self.story is not None:
            self.tell(f"{fiber.process.name}: {fiber.waits_for} {fate.name.lower()}")
        if fate is not Fate.GO:
            self.bites[fiber.process.kind, fiber.waits_for, fate.name.lower()] += 1
        fiber.go(fate)

    def tell(self, what: str) -> None:
        """A line of the story, when somebody wants to read it."""
        if self.story is not None:
            self.story.append(f"{self.clock.now - BEGIN:9.2f}  {what}")

    def go_until(self, fiber: Fiber, wait: str) -> None:
        """Let one go on until it waits for this again, or ends."""
        for _ in range(200):
            self.go(fiber)
            if fiber.dead or fiber.waits_for == wait or fiber.wake > self.clock.now:
                return

    def kill(self, process: Process) -> None:
        """It ends where it stands, and another one is started in its place."""
        self._bitten(process, "killed")
        process.kill()
        self.replace_dead()

    def stop(self, process: Process) -> None:
        """It stands still until it is resumed."""
        self._bitten(process, "stopped")
        process.stopped = True

    def resume(self, process: Process) -> None:
        """It goes on, and knows nothing of what happened meanwhile."""
        process.stopped, process.awake_since = False, self.clock.now

    def _bitten(self, process: Process, how: str) -> None:
        self.tell(f"{process.name} is {how}: {', '.join(fiber.waits_for for fiber in process.fibers)}")
        for fiber in process.fibers:
            self.bites[process.kind, fiber.waits_for, how] += 1

    def turn(self, bridge: BridgeProcess) -> None:
        """One round of a bridge, or what is left of it."""
        for fiber in self.ready([bridge]):
            self.go_until(fiber, "poll")
        if bridge.dead:
            self.replace_dead()

    def relay(self, relay: RelayProcess, *, wakes: bool = False) -> None:
        """One round of a relay, which may be woken before it has slept enough."""
        if wakes:
            relay.wake()
        for fiber in self.ready([relay]):
            self.go_until(fiber, "sleep")
        if relay.dead:
            self.replace_dead()

    def deliver(self, worker: WorkerProcess, number: int) -> bool:
        """One message to a free slot."""
        if worker.stopped or worker.drains or worker.busy >= SLOTS or self.redis.away:
            return False
        due = [one for one in self.redis.queue if one.due <= self.clock.now]
        if due:
            worker.deliver(due[number % len(due)])
        return bool(due)

    def advance(self, seconds: float, *, but: Fiber | None = None, attends: bool = True) -> None:
        """Time passes; living processes renew their calls and, when it is their turn, look after their lines."""
        until = self.clock.now + seconds
        awake = [one.renewal for one in self.workers if not one.stopped]
        renewals = [fiber for fiber in awake if fiber is not None and fiber is not but]
        while self.clock.now < until:
            due = min((one.wake for one in renewals if one.wake > self.clock.now), default=until)
            self.clock.now = min(until, due, self.clock.now + SLICE)
            for fiber in renewals:
                while fiber.wake <= self.clock.now and not fiber.dead:
                    fiber.go()
            if attends and self.clock.now - self._attended >= SLICE:
                self._attended = self.clock.now
                for bridge in list(self.bridges):
                    self.turn(bridge)

    def postgres_is_away(self, away: bool) -> None:
        """An outage begins or ends."""
        if not away and self.server.away_since is not None:
            self.promise.outages.append((self.server.away_since, self.clock.now))
        self.server.away_since = (self.server.away_since or self.clock.now) if away else None

    def arrive(self, number: int) -> bool:
        """Something that nobody waits for any more gets there: a statement, or a commit."""
        if self.kafka.under_way and number % 2:
            return self.kafka.under_way.pop((number >> 1) % len(self.kafka.under_way)).arrive()
        return self.server.arrive(number >> 1)

    def close(self) -> None:
        """End all fibers."""
        for process in [*self.bridges, *self.relays, *self.workers, *self.webs]:
            process.kill()
