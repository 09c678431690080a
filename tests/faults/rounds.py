"""A run: its own stack under load, one fault per round, and a verification after each round and at the end."""

import random
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import click
import psycopg2

from devstack.spec.layout import StackDir
from devstack.spec.ports import LOOPBACK, PORT_COUNT, Ports
from devstack.stores import kafka, postgres, redis_server
from tests.eventually import eventually
from tests.faults import table
from tests.faults.catalogue import draw, kind_of
from tests.faults.clocks import make_clocks
from tests.faults.context import Fault, FaultContext
from tests.faults.disk import own_disk
from tests.faults.faults import wait_until_running
from tests.faults.load import Accepted, LoadGenerator
from tests.faults.network import Network
from tests.faults.readers import CallLog, PostgresReader
from tests.faults.table import Round
from tests.faults.topic_monitor import TopicMonitor
from tests.faults.verification import Findings, Thought, verify
from tests.ports import free_port_base
from tests.running_stack import Stack, running_stack_in
from tests.stores import traversable_directory

SCALE = "bridge=3,relay=2,worker=3,web=2"
STEPPED = ("bridge.1", "relay.1", "worker.1", "web.1", "beat.1")
"""Processes whose clocks can be stepped; beside most of them another one works with the right time."""

SHORT_LEASE_SETTINGS = {
    "LEASE_SECONDS": "8",
    "LEASE_RENEW_SECONDS": "2",
    "AGENT_TIMEOUT_SECONDS": "6",
    "KAFKA_RETRY_BACKOFF_MS": "100",
    "SCRIPTED_DELAY_MS": "100",
    "SSE_HEARTBEAT_INTERVAL": "2",
}
MAX_HEARTBEAT_AGE_SECONDS = 2 * float(SHORT_LEASE_SETTINGS["LEASE_RENEW_SECONDS"])
"""The oldest that a worker's heartbeat can be when the worker is suspended: a renewal that was due after
LEASE_RENEW_SECONDS may have failed after a timeout of the same length."""

MIN_SILENCE_SECONDS = float(SHORT_LEASE_SETTINGS["LEASE_SECONDS"]) - MAX_HEARTBEAT_AGE_SECONDS
"""A process that was suspended or cut off for less cannot have been silent for the whole lease."""

MAX_OPEN_PER_PERSON = 5
"""Open thoughts per person, above which people pause."""

MAX_PRINTED_VIOLATIONS = 30
RECOVERY_TIMEOUT_SECONDS = 180.0
PAUSE_SECONDS = (0.5, 4.0)


@dataclass
class Run:
    """The parts of a run, and its rounds so far."""

    context: FaultContext
    load: LoadGenerator
    postgres: PostgresReader
    topics: TopicMonitor
    call_log: CallLog
    verified: int = 0
    """How many of the accepted thoughts were verified, in the order of acceptance."""
    rounds: list[Round] = field(default_factory=list)

    def round(self, fault: Fault) -> Round:
        """Pause, cause the fault, and wait until all thoughts accepted so far are terminal."""
        wait_until_running(self.context)
        self.context.wait(*PAUSE_SECONDS)
        description = fault(self.context)
        result = self._finish_round(str(len(self.rounds) + 1), description, list(self.load.accepted), kind_of(fault))
        self.rounds.append(result)
        return result

    def _finish_round(self, name: str, fault: str, accepted: Sequence[Accepted], kind: str = "") -> Round:
        batch = accepted[self.verified :]
        self.verified = len(accepted)
        recovery_seconds = self._wait_until_terminal(batch)
        findings = self._verify(batch)
        findings.inconsistent += self.context.violations
        self.context.violations = []
        return Round(name, fault, len(batch), findings, recovery_seconds, kind)

    def _wait_until_terminal(self, batch: Sequence[Accepted]) -> float:
        started, ids = time.monotonic(), [thought.id for thought in batch]
        with suppress(AssertionError):  # the verification reports open thoughts as lost
            eventually(lambda: self._are_terminal(ids), timeout=RECOVERY_TIMEOUT_SECONDS)
        return time.monotonic() - started

    def _are_terminal(self, ids: Sequence[str]) -> bool:
        try:
            return not self.postgres.open_thoughts(ids)
        except psycopg2.Error:
            return False

    def _verify(self, batch: Sequence[Accepted]) -> Findings:
        self.call_log.read_new()
        thoughts = (eventually(lambda: self._thoughts(batch), timeout=60) if batch else None) or {}
        accepted = [(thought.user, thought.id) for thought in batch]
        return verify(accepted, thoughts, self.call_log.calls, self.context.disruptions, MIN_SILENCE_SECONDS)

    def _thoughts(self, batch: Sequence[Accepted]) -> Mapping[str, Thought] | None:
        try:
            return self.postgres.thoughts([thought.id for thought in batch])
        except psycopg2.Error:
            return None

    def end(self) -> Round:
        """Stop the load, and verify all accepted thoughts once more."""
        self.load.stop()
        self.verified = 0
        total = self._finish_round("all", "", list(self.load.accepted))
        total.findings.inconsistent += self.load.errors + self.call_log.errors + self._kafka_violations()
        return total

    def _kafka_violations(self) -> list[str]:
        """Check that every thought's record is committed, none too early, and that the index of dead letters equals the
        topic."""
        topics, accepted = self.topics, {thought.id for thought in self.load.accepted}
        index = {row[0] for row in self.postgres.rows("SELECT failure_id FROM dead_letters")}
        with suppress(AssertionError):
            eventually(
                lambda: index <= set(topics.dead_letters) and accepted <= topics.committed and not topics.uncommitted,
                timeout=60,
            )
        violations = [*topics.violations]
        violations += [f"no record of {thought_id} is committed" for thought_id in sorted(accepted - topics.committed)]
        violations += [f"{topics.uncommitted} records are not committed"] if topics.uncommitted else []
        violations += [] if topics.is_running else ["the topic monitor has ended, so later violations are unknown"]
        missing, unknown = sorted(index - set(topics.dead_letters)), sorted(set(topics.dead_letters) - index)
        violations += [f"the dead letter {failure_id} is not in the topic" for failure_id in missing]
        return violations + [f"the dead letter {failure_id} of the topic is not in the index" for failure_id in unknown]


def run_rounds(rounds: int, seed: int, *, people: int = 16, kinds: Sequence[str] = ()) -> int:
    """Run and print the rounds, of these kinds or of all; return the exit status, 1 for any violation."""
    rng = random.Random(seed)
    faults = draw(rng, rounds, kinds)  # before the run: later draws depend on the running processes
    with load_run(rng, seed, people) as run, _logs_kept_on_error(run.context.stack):
        click.echo(table.heading())
        for fault in faults:
            click.echo(table.line(run.round(fault).cells()))
        total = run.end()
        click.echo(table.line(total.cells()))
        for line in table.kinds(run.rounds):
            click.echo(line)
        violations = table.violations(run.rounds, total)
        _print_summary(run, violations)
    return 1 if violations else 0


@contextmanager
def _logs_kept_on_error(stack: Stack) -> Iterator[None]:
    try:
        yield
    except BaseException:
        click.echo(f"The run was interrupted. {_keep_logs(stack)}")
        raise


def _print_summary(run: Run, violations: Sequence[str]) -> None:
    answers = ", ".join(f"{status or 'none'}: {count}" for status, count in sorted(run.load.answers.items()))
    click.echo(f"{table.recovery(run.rounds)} Answers to POST: {answers}.")
    click.echo(f"{len(run.topics.dead_letters)} dead letters. Verified {run.topics.verified} committed records.")
    for violation in violations[:MAX_PRINTED_VIOLATIONS]:
        click.echo(f"VIOLATION {violation}")
    if violations:
        click.echo(f"{len(violations)} violations. Failed reads of the topics: {dict(run.topics.failed_reads)}")
        click.echo(_keep_logs(run.context.stack))


def _keep_logs(stack: Stack) -> str:
    directory = Path(tempfile.mkdtemp(prefix="faults-"))
    shutil.copytree(stack.directory / "logs", directory / "logs")
    shutil.copy(stack.call_log, directory)
    return f"The logs and the call log are in {directory}"


@contextmanager
def load_run(rng: random.Random, seed: int, people: int) -> Iterator[Run]:
    """Start a stack behind proxies, and the load."""
    base = free_port_base()
    ports = Ports(base)
    store_ports = {"postgres": ports.postgres, "redis": ports.redis, "kafka": ports.kafka}
    proxied = {store: (base + PORT_COUNT + n, port) for n, (store, port) in enumerate(store_ports.items())}
    with (
        traversable_directory() as directory,
        own_disk(directory / "stack") as disk,
        Network(proxied) as network,
    ):
        addresses = _proxied_addresses(StackDir(directory / "stack"), ports, network)
        clocks = make_clocks(directory, STEPPED)
        variables = clocks.variables if clocks else ()
        with running_stack_in(directory, base, SHORT_LEASE_SETTINGS | addresses, SCALE, variables) as stack:
            database_url = str(stack.initial_status["database_url"])
            postgres_reader = PostgresReader(database_url)
            with TopicMonitor(str(stack.initial_status["kafka_bootstrap"]), database_url) as topics:
                context = FaultContext(stack, network, rng, disk, clocks)
                load = LoadGenerator(
                    stack.url, people, seed, is_overloaded=lambda: topics.open_thoughts > MAX_OPEN_PER_PERSON * people
                )
                load.start()
                yield Run(context, load, postgres_reader, topics, CallLog(stack.call_log))
            postgres_reader.close()


def _proxied_addresses(stack_dir: StackDir, ports: Ports, network: Network) -> dict[str, str]:
    """Return the settings that send the processes to the proxies. Readiness checks and verification use the stores
    directly."""
    stack_dir.prepare()

    def proxied(url: str, store_port: int, store: str) -> str:
        return url.replace(f"{LOOPBACK}:{store_port}", f"{LOOPBACK}:{network.port(store)}")

    redis_url = proxied(redis_server.url(stack_dir, ports), ports.redis, "redis")
    return {
        "DATABASE_URL": proxied(postgres.url(stack_dir, ports), ports.postgres, "postgres"),
        "REDIS_URL": redis_url,
        "CELERY_BROKER_URL": redis_url,
        "KAFKA_BOOTSTRAP_SERVERS": proxied(kafka.bootstrap(ports), ports.kafka, "kafka"),
    }
