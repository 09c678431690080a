"""Measures how thoughts finish under a backlog: more of them wait than the workers have slots.

Two sides run in turn on one stack, with their own bridge and workers: the system as it is, and the same without its
rules for a backlog (`bench.first_come`). All thoughts are accepted in one transaction before the bridge starts; the
clock starts at the first step. Every time is PostgreSQL's.

The mean time of a thought is from its first dispatch to its end. Its work is the sum of what its steps took. Slots are
busy while a step runs in them; this share and the rate are measured from WARM_UP_SECONDS on, as long as thoughts wait.

The rate is also given per duration of a thought: without a limit, thoughts whose steps take equally long end together.
`Load.spread` lets each step take another time, as calls of a model do.
"""

import signal
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from random import Random

from sqlalchemy import text

from agents.catalogue import CATALOGUE
from bench.figures import print_machine
from bench.sides import TEXT, WholePath
from bench.stack import RunningStack
from bench.waiting import wait_until
from contracts.database import Database, make_engine
from contracts.settings import load_settings

WARM_UP_SECONDS = 25
WINDOW_SECONDS = 5

ENDED = text("""
    SELECT EXTRACT(epoch FROM t.started_at)::float8 AS began, EXTRACT(epoch FROM t.finished_at)::float8 AS ended,
           (SELECT sum(EXTRACT(epoch FROM r.finished_at - r.started_at))::float8 FROM agent_runs r
             WHERE r.thought_id = t.id) AS work
      FROM thoughts t WHERE t.user_id = ANY (CAST(:users AS uuid[])) AND t.status = 'completed'
""")
"""Returns the times of each completed thought of these users."""

RUNS = text("""
    SELECT EXTRACT(epoch FROM r.started_at)::float8 AS began, EXTRACT(epoch FROM r.finished_at)::float8 AS ended
      FROM agent_runs r JOIN thoughts t ON t.id = r.thought_id WHERE t.user_id = ANY (CAST(:users AS uuid[]))
""")
"""Returns the times of each step of these users' thoughts."""

Times = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Load:
    """The work of one side."""

    thoughts: int
    users: int
    workers: int
    concurrency: int
    delay_ms: int = 4000
    """How long a step takes on average."""
    spread: float = 0.0
    """How much shorter or longer a step may be, as a share of the average; all durations between are as likely."""

    def text(self, number: int) -> str:
        """Return the text of a thought, which says how long each of its steps takes: the same on both sides."""
        durations = Random(number)  # noqa: S311  no secret
        least, greatest = (round(self.delay_ms * factor) for factor in (1 - self.spread, 1 + self.spread))
        delays = (f"[[delay:{agent}:{durations.randint(least, greatest)}]]" for agent in CATALOGUE.names)
        return " ".join([TEXT, *delays])


@dataclass(frozen=True, slots=True)
class Result:
    """How the thoughts of one side finished."""

    seconds: float
    """From the first step to the end of the last thought."""
    first_end: float
    """From the first step to the end of the first thought."""
    mean_time: float
    """Seconds from the first dispatch of a thought to its end."""
    mean_work: float
    """Seconds that the steps of a thought took."""
    ended_per_window: list[int]
    """Thoughts that ended in each WINDOW_SECONDS after the warm-up, while others waited."""
    ended_per_work: list[int]
    """The same in periods as long as a thought's work."""
    busy_share: float
    """The share of slots in which a step ran, in the same time."""


def compare(stack: RunningStack, load: Load) -> None:
    """Run both sides, and print how their thoughts finished."""
    print(f"{load.thoughts} thoughts, {load.users} users, {load.workers} x {load.concurrency} slots")
    print(f"five steps of {load.delay_ms / 1000:g} s each, {load.spread:.0%} more or less")
    print_machine()
    sides = {
        "first come, first served, no limit": ["-m", "bench.first_come"],
        "later steps first, limited by the slots": ["-m", "bridge", "run"],
    }
    for name, bridge in sides.items():
        application = "bench.first_come:app" if "bench.first_come" in bridge else "tasks"
        with _processes(bridge, application, load):
            _print(name, _run(stack, load))
    print_machine()


def _run(stack: RunningStack, load: Load) -> Result:
    settings = load_settings()
    side = WholePath(settings, stack, load.users, load.text)
    side.hold(load.thoughts)
    side.release()
    wait_until(lambda: side.ended() == load.thoughts)
    database = Database(make_engine(settings.database_url, "bench"))
    thoughts = database.rows(ENDED, users=side.user_ids)
    runs = [(row.began, row.ended) for row in database.rows(RUNS, users=side.user_ids)]
    return summarise([(row.began, row.ended) for row in thoughts], [row.work for row in thoughts], runs, load)


def summarise(thoughts: Sequence[Times], work: Sequence[float], runs: Sequence[Times], load: Load) -> Result:
    """Return the figures of one side from the times of its thoughts and of their steps."""
    start = min(began for began, _ in runs)
    ends = sorted(ended for _, ended in thoughts)
    first, last_begin = start + WARM_UP_SECONDS, max(began for began, _ in thoughts)
    mean_work = statistics.fmean(work)
    windows = _count_ends(ends, first, last_begin, WINDOW_SECONDS)
    last = first + len(windows) * WINDOW_SECONDS
    busy = sum(max(0.0, min(ended, last) - max(began, first)) for began, ended in runs)
    return Result(
        seconds=ends[-1] - start,
        first_end=ends[0] - start,
        mean_time=statistics.fmean(ended - began for began, ended in thoughts),
        mean_work=mean_work,
        ended_per_window=windows,
        ended_per_work=_count_ends(ends, first, last_begin, mean_work),
        busy_share=busy / ((last - first) * load.workers * load.concurrency),
    )


def _count_ends(ends: Sequence[float], first: float, last: float, seconds: float) -> list[int]:
    """Return how many of the ends lie in each whole period between two times, at least one period."""
    counts = [0] * max(1, int((last - first) // seconds))
    for end in ends:
        if first <= end < first + len(counts) * seconds:
            counts[int((end - first) // seconds)] += 1
    return counts


def _print(name: str, result: Result) -> None:
    print(f"{name}:")
    print(f"  the first thought ended after {result.first_end:.1f} s, the last one after {result.seconds:.1f} s")
    print(f"  from start to end {result.mean_time:.1f} s, {result.mean_time / result.mean_work:.2f} times the work")
    print(f"  ended after the first {WARM_UP_SECONDS} s:")
    for seconds, counts in ((WINDOW_SECONDS, result.ended_per_window), (result.mean_work, result.ended_per_work)):
        mean, least, most = statistics.fmean(counts), min(counts), max(counts)
        print(f"    in {seconds:.0f} s {mean:.0f} ({least} to {most}) in {len(counts)} periods")
    print(f"  busy slots in the same time: {result.busy_share:.0%}", flush=True)


@contextmanager
def _processes(bridge: Sequence[str], application: str, load: Load) -> Iterator[None]:
    """Run a bridge and the workers of one side. They read their settings from this process's environment."""
    worker = ["-m", "celery", "-A", application, "worker", "--pool", "threads", "--queues", "thoughts", "-E"]
    worker += ["--without-gossip", "--without-mingle", "--loglevel", "ERROR", "--concurrency", str(load.concurrency)]
    workers = [[*worker, "--hostname", f"backlog.{number}@%h"] for number in range(load.workers)]
    with ExitStack() as stack:
        for command in [*workers, list(bridge)]:
            stack.enter_context(_process(command))
        yield


@contextmanager
def _process(command: Sequence[str]) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
