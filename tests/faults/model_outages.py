"""Outages of a model service under load: nothing may be lost, reordered, dead-lettered or paid twice."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import click

from tests.eventually import eventually
from tests.faults.model_service import OUTAGES, ModelService, Outage, model_service
from tests.faults.readers import PostgresReader
from tests.faults.workload import AGENTS, submit_thoughts
from tests.running_stack import Stack, running_stack

USERS, THOUGHTS_PER_USER = 10, 3
RECOVERY_SECONDS = 90.0
"""Everything must be completed so long after the end of an outage."""

MAX_LOST_ANSWERS = 8
"""Answers that are on their way when their connections are reset, and so are paid for again: AI_MAX_CONCURRENCY."""

SETTINGS = {
    "AI_PROVIDER": "openai-compatible",
    "AI_MODEL": "a-model",
    "OPENAI_API_KEY": "a-key-for-tests",
    "LEASE_SECONDS": "8",
    "LEASE_RENEW_SECONDS": "2",
    "AGENT_TIMEOUT_SECONDS": "6",
    "KAFKA_RETRY_BACKOFF_MS": "100",
}

_RUNS = """
    SELECT t.id::text, t.status, (SELECT count(*) FROM dead_letters d WHERE d.thought_id = t.id),
           (SELECT count(*) FROM agent_runs r WHERE r.thought_id = t.id),
           (SELECT extract(epoch FROM min(r.started_at))::float8 FROM agent_runs r WHERE r.thought_id = t.id),
           extract(epoch FROM t.finished_at)::float8
      FROM thoughts t WHERE t.id = ANY (%s::uuid[])
"""


@dataclass(frozen=True)
class OutageResult:
    """What became of the thoughts that were under way during one outage."""

    outage: Outage
    thoughts: int
    recovery_seconds: float
    waited: int
    """Thoughts that said during the outage that they wait for their model."""
    violations: tuple[str, ...]


@contextmanager
def outage_stack() -> Iterator[tuple[Stack, ModelService]]:
    """Run a stack whose agents are answered by a model service of the test."""
    with model_service() as service:
        settings = SETTINGS | {"OPENAI_BASE_URL": service.url}
        with running_stack(settings, "bridge=2,worker=2") as stack:
            yield stack, service


def run_outage(stack: Stack, service: ModelService, outage: Outage, seconds: float) -> OutageResult:
    """Submit thoughts, let the service fail for some seconds, and wait until all thoughts have ended."""
    reader = PostgresReader(stack.initial_status["database_url"])
    paid_before = service.paid_answers
    submitted = submit_thoughts(stack, USERS, THOUGHTS_PER_USER)
    ids = [thought for thoughts in submitted.values() for thought in thoughts]
    service.fail(outage)
    threading.Event().wait(seconds)
    waited = sum(stack.thought(thought)["waiting"] is not None for thought in ids)
    service.recover()
    recovered_at = time.monotonic()
    try:
        eventually(lambda: not reader.open_thoughts(ids), timeout=RECOVERY_SECONDS)
    finally:
        took = time.monotonic() - recovered_at
        rows = {row[0]: row for row in reader.rows(_RUNS, ids)}
        reader.close()
    violations = [*_violations(rows, list(submitted.values()))]
    paid = service.paid_answers - paid_before
    lost = MAX_LOST_ANSWERS if outage == "refused connections" else 0
    if not AGENTS * len(ids) <= paid <= AGENTS * len(ids) + lost:
        violations.append(f"{paid} answers were paid for {AGENTS * len(ids)} steps")
    return OutageResult(outage, len(ids), took, waited, tuple(violations))


def _violations(rows: dict[str, tuple[object, ...]], lines: Sequence[Sequence[str]]) -> Iterator[str]:
    for line in lines:
        for thought in line:
            _, status, dead_letters, runs, *_ = rows[thought]
            if (status, dead_letters, runs) != ("completed", 0, AGENTS):
                yield f"{thought} is {status} with {runs} results and {dead_letters} dead letters"
        for earlier, later in pairwise(line):
            ended, started = rows[earlier][5], rows[later][4]
            if isinstance(ended, float) and isinstance(started, float) and started < ended:
                yield f"{later} began before {earlier} had ended"


def run_outages(seconds: float) -> int:
    """Run and print every kind of outage; return the exit status, 1 for any violation."""
    with outage_stack() as (stack, service):
        results = []
        for outage in OUTAGES:
            results.append(run_outage(stack, service, outage, seconds))
            click.echo(_line(results[-1], seconds))
    for violation in (violation for result in results for violation in result.violations):
        click.echo(f"VIOLATION {violation}")
    return 1 if any(result.violations for result in results) else 0


def _line(result: OutageResult, seconds: float) -> str:
    return (
        f"model service: {seconds:g} s of {result.outage}: {result.thoughts} thoughts completed "
        f"{result.recovery_seconds:.1f} s after its end, {result.waited} had waited, "
        f"{len(result.violations)} violations"
    )
