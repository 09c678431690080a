"""Work beside a store that refuses, and how a stack shows it."""

from http import HTTPStatus
from urllib.error import HTTPError

import redis

from tests.faults.workload import AGENTS, submit_thoughts
from tests.running_stack import Stack, new_id

STORES = {"postgres", "redis", "kafka"}
LOG_LINES = 60
"""Of the log of a process that was restarted, shown when a test fails."""

TEXT = "Beside a store that refuses [[delay:analysis:500]]"


def restarts_of_apps(stack: Stack) -> dict[str, int]:
    """Return how often each process of ours was restarted."""
    processes = stack.status()["processes"]
    return {process["name"]: process["restarts"] for process in processes if process["kind"] not in STORES}


def assert_no_restart(stack: Stack, restarts: dict[str, int]) -> None:
    """Assert that none of these processes was restarted since; otherwise show the ends of their logs."""
    now = restarts_of_apps(stack)
    restarted = [name for name, count in restarts.items() if now[name] != count]
    logs = [stack.directory / "logs" / f"{name}.log" for name in restarted]
    tails = {log.name: log.read_text(errors="replace").splitlines()[-LOG_LINES:] for log in logs}
    assert not restarted, "\n".join(f"{name}: {line}" for name, lines in tails.items() for line in lines)


def submit_until_under_way(stack: Stack) -> dict[str, list[str]]:
    """Submit thoughts of several users, and return when the first ones are being worked on."""
    submitted = submit_thoughts(stack, users=4, per_user=3, text=TEXT)
    last = [thoughts[-1] for thoughts in submitted.values()]
    assert any(stack.call_counts(thought).total() < AGENTS for thought in last), "the work ended before the fault"
    return submitted


def is_refused(stack: Stack) -> bool:
    """Return whether a thought is refused with 503 and a time to wait."""
    try:
        stack.post("Refused", new_id())
    except HTTPError as error:
        with error:
            return error.code == HTTPStatus.SERVICE_UNAVAILABLE and bool(error.headers["Retry-After"])
    return False


def count_refusals(client: redis.Redis, kind: str) -> int:
    """Count the commands that Redis has answered with this kind of error so far."""
    return int(client.info("errorstats").get(f"errorstat_{kind}", {}).get("count", 0))
