"""The ten steps against a running stack: all pass, and where something does not run, the steps that need it fail."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import HTTPError, URLError

import psycopg2
import pytest

from tests.eventually import eventually
from tests.running_stack import Stack
from tests.stores import ROOT

NAMES = [
    "services", "broker", "redis", "health", "topics", "producer", "consumer", "pub/sub", "results", "complete",
]  # fmt: skip
LINE = re.compile(r" ?(\d+)  (ok|FAILED) +(\S+) +(.+)")
AFTER_ACCEPTANCE = {"consumer", "pub/sub", "results", "complete"}
WITH_A_THOUGHT = {"producer", *AFTER_ACCEPTANCE}


def validate(stack: Stack, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `validate.sh` as a person does, behind a proxy that does not exist."""
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
    environment = os.environ | proxies | {"DIR": str(stack.directory)}
    return subprocess.run(
        [ROOT / "validate.sh", *arguments], env=environment, capture_output=True, text=True, check=False
    )


def failed_steps(result: "subprocess.CompletedProcess[str]") -> set[str]:
    """Return the names of the failed steps. There must be ten lines, and a cure in each of a failed step."""
    lines = [match.groups() for match in map(LINE.fullmatch, result.stdout.splitlines()) if match]
    assert [name for _, _, name, _ in lines] == NAMES, result.stdout + result.stderr
    assert [number for number, _, _, _ in lines] == [str(number) for number in range(1, 11)]
    assert len(result.stdout.splitlines()) == 10
    assert all((" -> " in text) == (state == "FAILED") for _, state, _, text in lines), result.stdout
    assert result.returncode == any(state == "FAILED" for _, state, _, _ in lines)
    return {name for _, state, name, _ in lines if state == "FAILED"}


def select(stack: Stack, statement: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(stack.initial_status["database_url"])
    try:
        cursor = connection.cursor()
        cursor.execute(statement)
        return list(cursor.fetchall())
    finally:
        connection.close()


def health_checks(stack: Stack) -> dict[str, bool] | None:
    """Return whether each check of the health end point is ok, or None when the web does not answer."""
    for path in ("/health/ready", "/health"):
        try:
            return {name: check["ok"] for name, check in stack.get(path)["checks"].items()}
        except HTTPError:
            continue
        except URLError:
            return None
    return None


@contextmanager
def stopped(stack: Stack, kind: str) -> Iterator[bool]:
    """Stop the processes of a kind, and yield whether the health end point reports it, once it must have noticed it.

    Afterwards the whole stack works again.
    """
    stack.run_command("stop", kind)
    try:
        eventually(lambda: not (health_checks(stack) or {}).get(kind, False))
        yield not all((health_checks(stack) or {"web": False}).values())
    finally:
        stack.run_command("start", kind)
        eventually(lambda: all(process["ready"] for process in stack.status()["processes"]), timeout=120)
        eventually(lambda: all((health_checks(stack) or {"web": False}).values()), timeout=60)


def test_all_ten_steps_pass_and_say_what_was_seen(stack: Stack) -> None:
    result = validate(stack)
    assert failed_steps(result) == set(), result.stdout
    for seen in (
        r"web 1, relay 1, bridge 1, worker 1, solo 1, beat 1 reported",
        r"partitions 0, 1, 2, each with a leader",
        r"thought-processing-dlq: 3 partitions",
        r"201 in \d+ ms, thought [0-9a-f-]{36}; its record is in thought-processing, partition \d, offset \d+",
        r"a worker saved 5 steps, classification first; the group thought-workers has committed partition \d below",
        r"on thought_updates:[0-9a-f-]{36}: 8 events in \d+ ms, thought_created to thought_completed",
        r"completed after \d+ ms, 5 results by scripted/scripted: 1 classification, 2 analysis, 3 value_impact, 4 act",
        r"live stream: 8 events in \d+ ms, thought_created to thought_completed; GET /thoughts/\S+: completed",
        r"dead letter \S+:4 \(permanent failure of priority\) in thought-processing-dlq, partition \d, offset",
        r"replayed as turn 5: completed with 5 steps",
    ):
        assert re.search(seen, result.stdout), (seen, result.stdout)
    assert "All ten steps passed" in result.stderr


def test_nothing_of_the_validation_stays(stack: Stack) -> None:
    """Of each thought only the empty row stays, as of any deleted thought, and no dead letter is open."""
    assert failed_steps(validate(stack)) == set()
    assert select(stack, "SELECT count(*) FROM thoughts WHERE status <> 'deleted' OR text <> ''") == [(0,)]
    assert select(stack, "SELECT count(*) FROM agent_runs") == [(0,)]
    assert select(stack, "SELECT count(*) FROM dead_letters WHERE state = 'open' OR value <> ''") == [(0,)]
    assert json.loads(stack.run_bridge("audit", "--json"))["consistent"] is True


@pytest.mark.parametrize(
    ("kind", "failing"),
    [
        ("beat", {"services"}),
        ("bridge", {"services", *AFTER_ACCEPTANCE}),
        ("worker", {"services", *AFTER_ACCEPTANCE}),
        ("relay", {"services", *WITH_A_THOUGHT}),
        ("web", {"services", *WITH_A_THOUGHT}),
        ("kafka", {"broker", "topics", *WITH_A_THOUGHT}),
        ("redis", {"services", "redis", *AFTER_ACCEPTANCE}),
    ],
)
def test_where_something_does_not_run_exactly_the_steps_that_need_it_fail(
    stack: Stack, kind: str, failing: set[str]
) -> None:
    """The step `health` fails exactly when the health end point is not ok."""
    with stopped(stack, kind) as is_unhealthy:
        result = validate(stack, "--seconds", "3")
    assert is_unhealthy or kind not in {"web", "kafka", "redis"}
    assert failed_steps(result) == (failing | {"health"} if is_unhealthy else failing), result.stdout
