"""One history: the processes and the servers.

A history is a list of actions, each a name and a number. The number chooses what the action is applied to, among what
exists at that moment. An action that finds nothing does nothing, so a history stays valid when actions are removed.
"""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from bridge.consumer.window import Window
from contracts.settings import Settings
from tests.simulation.clock import START_SECONDS, Clock
from tests.simulation.database import PostgresServer
from tests.simulation.fibers import Fiber, Outcome, Process
from tests.simulation.invariant_checks import InvariantChecks
from tests.simulation.kafka import Kafka
from tests.simulation.log_checks import LogChecks
from tests.simulation.postgres import Postgres
from tests.simulation.processes import KAFKA_MODE, BridgeProcess, RelayProcess, Servers, WebRequest
from tests.simulation.redis import Redis
from tests.simulation.workers import SLOTS, WorkerProcess

USERS: Final = tuple(UUID(int=number) for number in range(1, 4))
"""The row of the last one is inserted with the first thought."""
ACCOUNT: Final = USERS[0]
"""The others are anonymous, and may join it."""
BRIDGE_INTERVAL_SECONDS: Final = 5.0
"""How often every living bridge runs while time passes."""
MAX_WAITS: Final = 200
"""Waits of a fiber that runs until a certain wait."""

FaultHit = tuple[str, str, str]
"""A fault that hit a process: the process's kind, what it waited for, and the outcome."""


class World:
    """The processes, the servers, the clock and the checks of one history, without the `disabled` guards."""

    def __init__(self, disabled: frozenset[str] = frozenset()) -> None:
        random.seed(7)  # the jitter that production code draws
        self.disabled = disabled
        self.clock = Clock()
        self.checks = InvariantChecks(self.clock.monotonic)
        self.postgres = Postgres(self.clock.postgres_time, self.checks, disabled)
        self.postgres.tables.users.update(dict.fromkeys(USERS[:-1], 0))
        self.postgres.tables.accounts.add(ACCOUNT)
        self.postgres_server = PostgresServer(self.postgres, self.clock.monotonic)
        log_checks = LogChecks(self.checks, self.postgres.tables)
        self.kafka = Kafka(self.clock.monotonic, self.clock.time, log_checks.check_commit, lambda: self.checks.writes)
        log_checks.observe(self.kafka)
        self.checks.check_external_accept = log_checks.check_external_accept
        self.redis = Redis(self.clock.monotonic)
        self.servers = Servers(self.clock, self.checks, self.postgres_server, self.kafka, self.redis)
        self.observations: Counter[str] = Counter()
        self.fault_hits: Counter[FaultHit] = Counter()
        self.trace: list[str] | None = None
        self.submitted: list[tuple[UUID, UUID]] = []
        """(user, thought) of every request, also of those that failed."""
        self.settings: Settings = KAFKA_MODE
        """For the processes that are started from now on."""
        self.window = Window()
        """For the lanes that are created from now on."""
        self._name_counts: Counter[str] = Counter()
        self._bridges_ran_at = 0.0
        self.workers = [self.new_worker() for _ in range(2)]
        self.relays = [self.new_relay() for _ in range(2)]
        self.bridges = [self.new_bridge() for _ in range(2)]
        self.clients: list[Process] = []
        """Web requests, and commands of operators and authors."""
        self.is_final_phase = False
        self.assign_partitions()

    def next_name(self, kind: str) -> str:
        """Return the name of a new process."""
        self._name_counts[kind] += 1
        return f"{kind} {self._name_counts[kind]}"

    def _call_id(self) -> UUID:
        self._name_counts["call"] += 1
        return UUID(int=10**6 + self._name_counts["call"])

    def new_worker(self) -> WorkerProcess:
        """Start a worker."""
        return WorkerProcess(self.next_name("worker"), self.servers, self.settings, self._call_id)

    def new_relay(self) -> RelayProcess:
        """Start a relay."""
        return RelayProcess(self.next_name("relay"), self.servers, self.settings)

    def new_bridge(self) -> BridgeProcess:
        """Start a bridge in the current mode."""
        bridge = BridgeProcess(self.next_name("bridge"), self.servers, self.settings)
        bridge.awake_since = self.clock.now
        return bridge

    def submit(self, user: UUID, thought: UUID) -> None:
        """Start a web request that submits a thought."""
        text = f"Thought {thought.int}"
        self.start_request(WebRequest(self.next_name("web"), self.servers, self.settings, user, thought, text))

    def start_request(self, process: Process) -> None:
        """Add a request or a command; it runs when an action advances it."""
        self.clients = [*(request for request in self.clients if request.fibers), process]

    def processes(self, kind: str) -> Sequence[Process]:
        """Return the processes of a kind; the commands of operators and authors count as "web"."""
        by_kind: dict[str, Sequence[Process]] = {
            "worker": self.workers,
            "bridge": self.bridges,
            "relay": self.relays,
            "web": self.clients,
        }
        return by_kind[kind]

    def restart_dead(self) -> None:
        """Start a new process for each one that has ended, as the supervisor does."""
        for process in [*self.workers, *self.relays, *self.bridges]:
            if process.is_dead:
                process.kill()
        self.workers = [self.new_worker() if worker.is_dead else worker for worker in self.workers]
        self.relays = [self.new_relay() if relay.is_dead else relay for relay in self.relays]
        if any(bridge.is_dead for bridge in self.bridges):
            self.bridges = [self.new_bridge() if bridge.is_dead else bridge for bridge in self.bridges]
            self.assign_partitions()

    def assign_partitions(self) -> None:
        """Assign the partitions of members that left the group to the other members.

        In the final phase also those of suspended members, whose sessions have expired by then.
        """
        members = [
            bridge.consumer
            for bridge in self.bridges
            if bridge.consumer and not (self.is_final_phase and bridge.is_suspended)
        ]
        for number, partition in enumerate(self.kafka.partitions):
            if partition.owner is not None and partition.owner not in members:
                partition.owner = None
            if partition.next_owner not in members:
                partition.next_owner = members[number % len(members)] if members else None

    def switch_mode(self, settings: Settings) -> None:
        """Restart bridges and relays in another mode, and drain the workers. Stopped processes end when they resume."""
        self.settings = settings
        processes: list[BridgeProcess | RelayProcess] = [*self.bridges, *self.relays]
        for process in processes:
            if process.is_suspended and process.fibers:
                process.stop_event.set()
            else:
                process.kill()
        for worker in self.workers:
            worker.drain()
        self.restart_dead()

    def ready_fibers(self, processes: Iterable[Process]) -> list[Fiber]:
        """Return the fibers that can be advanced now, except the renewals, which `pass_time` advances."""
        now = self.clock.now
        return [
            fiber
            for process in processes
            if not process.is_suspended
            for fiber in process.fibers
            if fiber.wake_at <= now and fiber.name != "renewal"
        ]

    def is_possible(self, fiber: Fiber, outcome: Outcome) -> bool:
        """Return whether the fiber's wait can have this outcome. While its server is unavailable it has no other."""
        return outcome in fiber.possible.outcomes and not self._is_unavailable(fiber.possible.server)

    def _is_unavailable(self, server: str) -> bool:
        if server == "postgres":
            return self.postgres_server.unavailable_since is not None
        return (server == "kafka" and self.kafka.is_unavailable) or (server == "redis" and self.redis.is_unavailable)

    def advance(self, fiber: Fiber, outcome: Outcome = Outcome.DONE) -> None:
        """End a fiber's wait with this outcome, and run it until its next wait."""
        if self.trace is not None:
            self.log(f"{fiber.process.name}: {fiber.waits_for}: {outcome.label}")
        if outcome is not Outcome.DONE:
            self.fault_hits[fiber.process.kind, fiber.waits_for, outcome.label] += 1
        fiber.advance(outcome)

    def log(self, line: str) -> None:
        """Add a line to the trace, if there is one."""
        if self.trace is not None:
            self.trace.append(f"{self.clock.now - START_SECONDS:9.2f}  {line}")

    def run_until(self, fiber: Fiber, wait: str) -> None:
        """Advance a fiber until it waits for this, sleeps or ends."""
        for _ in range(MAX_WAITS):
            self.advance(fiber)
            if fiber.dead or fiber.waits_for == wait or fiber.wake_at > self.clock.now:
                return

    def run_to_end(self, fiber: Fiber) -> None:
        """Advance a fiber until it sleeps or ends."""
        self.run_until(fiber, "")

    def kill(self, process: Process) -> None:
        """Kill a process at its present waits, and start another one."""
        self._count_fault(process, "killed")
        process.kill()
        self.restart_dead()

    def suspend(self, process: Process) -> None:
        """Stop a process (SIGSTOP) until it is resumed."""
        self._count_fault(process, "suspended")
        process.is_suspended = True

    def resume(self, process: Process) -> None:
        """Resume a suspended process (SIGCONT), which does not know that it was suspended."""
        process.is_suspended, process.awake_since = False, self.clock.now

    def _count_fault(self, process: Process, fault: str) -> None:
        self.log(f"{process.name} is {fault}: {', '.join(fiber.waits_for for fiber in process.fibers)}")
        for fiber in process.fibers:
            self.fault_hits[process.kind, fiber.waits_for, fault] += 1

    def run_bridge(self, bridge: BridgeProcess) -> None:
        """Run one round of a bridge, or the rest of one."""
        for fiber in self.ready_fibers([bridge]):
            self.run_until(fiber, "poll")
        if bridge.is_dead:
            self.restart_dead()

    def run_relay(self, relay: RelayProcess, *, wake_early: bool = False) -> None:
        """Run one round of a relay; `wake_early` ends its sleep before the time."""
        if wake_early:
            relay.wake_early()
        for fiber in self.ready_fibers([relay]):
            self.run_until(fiber, "sleep")
        if relay.is_dead:
            self.restart_dead()

    def deliver(self, worker: WorkerProcess, number: int) -> bool:
        """Deliver one message to a worker's free slot; return False when that is not possible."""
        if worker.is_suspended or worker.is_draining or worker.busy_slots >= SLOTS or self.redis.is_unavailable:
            return False
        due = [message for message in self.redis.queue if message.due_at <= self.clock.now]
        if due:
            worker.deliver(due[number % len(due)])
        return bool(due)

    def pass_time(self, seconds: float, *, except_renewal: Fiber | None = None, run_bridges: bool = True) -> None:
        """Let time pass. Living workers renew their calls; with `run_bridges` living bridges run every few seconds."""
        until = self.clock.now + seconds
        awake = [worker.renewal for worker in self.workers if not worker.is_suspended]
        renewals = [fiber for fiber in awake if fiber is not None and fiber is not except_renewal]
        while self.clock.now < until:
            due = min((fiber.wake_at for fiber in renewals if fiber.wake_at > self.clock.now), default=until)
            self.clock.now = min(until, due, self.clock.now + BRIDGE_INTERVAL_SECONDS)
            for fiber in renewals:
                while fiber.wake_at <= self.clock.now and not fiber.dead:
                    fiber.advance()
            if run_bridges and self.clock.now - self._bridges_ran_at >= BRIDGE_INTERVAL_SECONDS:
                self._bridges_ran_at = self.clock.now
                for bridge in list(self.bridges):
                    self.run_bridge(bridge)

    def set_postgres_unavailable(self, unavailable: bool) -> None:
        """Begin or end an outage of PostgreSQL."""
        server = self.postgres_server
        if not unavailable and server.unavailable_since is not None:
            self.checks.outages.append((server.unavailable_since, self.clock.now))
        server.unavailable_since = (server.unavailable_since or self.clock.now) if unavailable else None

    def deliver_delayed(self, number: int) -> bool:
        """Let a delayed commit or statement arrive, whose client has given up."""
        if self.kafka.delayed_commits and number % 2:
            index = (number >> 1) % len(self.kafka.delayed_commits)
            return self.kafka.delayed_commits.pop(index).deliver_commit()
        return self.postgres_server.deliver_delayed(number >> 1)

    def close(self) -> None:
        """End all fibers."""
        for process in [*self.bridges, *self.relays, *self.workers, *self.clients]:
            process.kill()
