"""A run: a stack of its own, people who write, a fault a round, and the promise checked after each and at the end."""

import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2

from devstack.spec.layout import StackDir
from devstack.spec.ports import LOOPBACK, PORT_COUNT, Ports
from devstack.stores import kafka, postgres, redis_server
from tests.eventually import eventually
from tests.faults import table
from tests.faults.facts import CallLog, PostgreSQL
from tests.faults.faults import Fault, World, all_live, draw
from tests.faults.load import Accepted, People
from tests.faults.network import Network
from tests.faults.table import Round
from tests.faults.topics import Watch
from tests.faults.verdicts import Thought, Verdict, judge
from tests.ports import free_base
from tests.running_stack import Stack, stack_in
from tests.stores import walkable_directory

SCALE = "bridge=3,relay=2,worker=3,web=2"
SHORT_PATIENCE = {
    "LEASE_SECONDS": "8",
    "LEASE_RENEW_SECONDS": "2",
    "AGENT_TIMEOUT_SECONDS": "6",
    "KAFKA_RETRY_BACKOFF_MS": "100",
    "SCRIPTED_DELAY_MS": "100",
    "SSE_HEARTBEAT_INTERVAL": "2",
}
RENEWED_AFTER = 2 * float(SHORT_PATIENCE["LEASE_RENEW_SECONDS"])
"""The oldest that the beat of a worker can be when it is stopped: a renewal that was due after LEASE_RENEW_SECONDS
may have failed at its bound, which is as long."""

SILENCE_SECONDS = float(SHORT_PATIENCE["LEASE_SECONDS"]) - RENEWED_AFTER
"""Who was stopped or cut off for less cannot have been silent for the patience."""

MOST_WAITING = 5
"""Open thoughts a person, beyond which people stop writing for a while."""

MOST_SHOWN = 30
RECOVERY_SECONDS = 180.0
CALM_SECONDS = (0.5, 4.0)

Say = Callable[[str], object]


@dataclass
class Run:
    """What a run is made of while it goes."""

    world: World
    people: People
    postgresql: PostgreSQL
    watch: Watch
    log: CallLog
    judged: int = 0
    """Of the accepted thoughts, in the order of acceptance."""
    rounds: list[Round] = field(default_factory=list)

    def round(self, fault: Fault) -> Round:
        """A moment of calm, the fault, and the wait until all that was accepted so far is terminal."""
        all_live(self.world)
        self.world.seconds(*CALM_SECONDS)
        said = fault(self.world)
        done = self._settled(str(len(self.rounds) + 1), said, list(self.people.accepted))
        self.rounds.append(done)
        return done

    def _settled(self, name: str, said: str, everything: Sequence[Accepted]) -> Round:
        batch = everything[self.judged :]
        self.judged = len(everything)
        back_after = self._until_terminal(batch)
        return Round(name, said, len(batch), self._judged(batch), back_after)

    def _until_terminal(self, batch: Sequence[Accepted]) -> float:
        began, ids = time.monotonic(), [each.id for each in batch]
        with suppress(AssertionError):  # what is open still is found lost
            eventually(lambda: self._all_ended(ids), timeout=RECOVERY_SECONDS)
        return time.monotonic() - began

    def _all_ended(self, ids: Sequence[str]) -> bool:
        try:
            return not self.postgresql.still_open(ids)
        except psycopg2.Error:
            return False

    def _judged(self, batch: Sequence[Accepted]) -> Verdict:
        self.log.read_on()
        thoughts = (eventually(lambda: self._thoughts(batch), timeout=60) if batch else None) or {}
        promised = [(each.user, each.id) for each in batch]
        return judge(promised, thoughts, self.log.calls, self.world.hits, SILENCE_SECONDS)

    def _thoughts(self, batch: Sequence[Accepted]) -> Mapping[str, Thought] | None:
        try:
            return self.postgresql.thoughts([each.id for each in batch])
        except psycopg2.Error:
            return None

    def end(self) -> Round:
        """The load stops, and everything that was ever accepted is looked at once more."""
        self.people.stop()
        self.judged = 0
        total = self._settled("all", "", list(self.people.accepted))
        total.verdict.broken += self.people.wrong + self.log.strange + self._wrong_in_kafka()
        return total

    def _wrong_in_kafka(self) -> list[str]:
        """Each thought's record is committed in the end, none too early; index and topic have the same dead letters."""
        watch, accepted = self.watch, {each.id for each in self.people.accepted}
        index = {row[0] for row in self.postgresql.rows("SELECT failure_id FROM dead_letters")}
        with suppress(AssertionError):
            eventually(lambda: index <= set(watch.letters) and accepted <= watch.passed and not watch.above, timeout=60)
        wrong = [*watch.broken]
        wrong += [f"no record of {each} was seen below a committed offset" for each in sorted(accepted - watch.passed)]
        wrong += [f"{watch.above} records are not committed"] if watch.above else []
        wrong += [] if watch.lives else ["the watch over the topics has ended: what it would have found is not known"]
        wrong += [f"the dead letter {each} is not in the topic" for each in sorted(index - set(watch.letters))]
        return wrong + [f"the topic's {each} is not in the index" for each in sorted(set(watch.letters) - index)]


def faults(rounds: int, seed: int, *, people: int = 16, say: Say = print) -> int:
    """So many rounds; returns the exit status, 1 for any breach of the promise."""
    dice = random.Random(seed)
    drawn = [draw(dice) for _ in range(rounds)]  # first of all: what they throw themselves depends on the moment
    with running(dice, seed, people) as run, _kept_when_it_breaks(run.world.stack, say):
        say(table.heading())
        for fault in drawn:
            say(table.line(run.round(fault).cells()))
        total = run.end()
        say(table.line(total.cells()))
        breaches = table.breaches(run.rounds, total)
        _tell(run, breaches, say)
    return 1 if breaches else 0


@contextmanager
def _kept_when_it_breaks(stack: Stack, say: Say) -> Iterator[None]:
    try:
        yield
    except BaseException:
        say(f"The run broke off. {_kept(stack)}")
        raise


def _tell(run: Run, breaches: Sequence[str], say: Say) -> None:
    answers = ", ".join(f"{status or 'none'}: {count}" for status, count in sorted(run.people.answers.items()))
    failed = sum(1 for _ in run.watch.letters)
    say(f"{table.recovery(run.rounds)} Answers to POST: {answers}.")
    say(f"{failed} dead letters, {run.watch.below} records below committed offsets, all looked up.")
    for words in breaches[:MOST_SHOWN]:
        say(f"BREACH {words}")
    if breaches:
        say(f"{len(breaches)} breaches. Looks at Kafka that failed: {dict(run.watch.troubles)}")
        say(_kept(run.world.stack))


def _kept(stack: Stack) -> str:
    place = Path(tempfile.mkdtemp(prefix="faults-"))
    shutil.copytree(stack.directory / "logs", place / "logs")
    shutil.copy(stack.call_log, place)
    return f"Logs and calls are kept in {place}"


@contextmanager
def running(dice: random.Random, seed: int, people: int) -> Iterator[Run]:
    """The stack with its proxies, and the people writing."""
    base = free_base()
    ports = Ports(base)
    own = {"postgres": ports.postgres, "redis": ports.redis, "kafka": ports.kafka}
    spare = {store: (base + PORT_COUNT + place, port) for place, (store, port) in enumerate(own.items())}
    with walkable_directory() as directory, Network(spare) as network:
        addresses = _addresses(StackDir(directory / "stack"), ports, network)
        with stack_in(directory, base, SHORT_PATIENCE | addresses, SCALE) as stack:
            postgresql = PostgreSQL(str(stack.status_then["database_url"]))
            with Watch(str(stack.status_then["kafka_bootstrap"]), str(stack.status_then["database_url"])) as watch:
                world = World(stack, network, dice)
                everybody = People(stack.url, people, seed, held_up=lambda: watch.waiting > MOST_WAITING * people)
                everybody.start()
                yield Run(world, everybody, postgresql, watch, CallLog(stack.call_log))
            postgresql.close()


def _addresses(home: StackDir, ports: Ports, network: Network) -> dict[str, str]:
    """What the processes are told: the proxies' ports. Readiness and the checks go to the stores themselves."""
    home.prepare()

    def through(url: str, own: int, store: str) -> str:
        return url.replace(f"{LOOPBACK}:{own}", f"{LOOPBACK}:{network.port(store)}")

    redis_url = through(redis_server.url(home, ports), ports.redis, "redis")
    return {
        "DATABASE_URL": through(postgres.url(home, ports), ports.postgres, "postgres"),
        "REDIS_URL": redis_url,
        "CELERY_BROKER_URL": redis_url,
        "KAFKA_BOOTSTRAP_SERVERS": through(kafka.bootstrap(ports), ports.kafka, "kafka"),
    }
