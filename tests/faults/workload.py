"""The thoughts that a test submits around a fault, and the checks of how they end."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from tests.eventually import eventually
from tests.faults.readers import CallLog, PostgresReader
from tests.faults.verification import Call, Calls, Disruption, Findings, verify
from tests.running_stack import Stack, new_id

AGENTS = 5


def submit_thoughts(stack: Stack, users: int, per_user: int, text: str = "Under load") -> dict[str, list[str]]:
    """Submit thoughts of several users in turn; return user -> thought ids in the order of submission."""
    user_ids = [new_id() for _ in range(users)]
    submitted: dict[str, list[str]] = {user: [] for user in user_ids}
    for number in range(per_user):
        for user in user_ids:
            submitted[user].append(stack.post(f"{text} {number}", user)["id"])
    return submitted


def pairs(submitted: dict[str, list[str]]) -> list[tuple[str, str]]:
    """Return the thoughts as (user, thought), each user's in the order of submission."""
    return [(user, thought) for user, thoughts in submitted.items() for thought in thoughts]


def verify_when_terminal(
    stack: Stack, accepted: Sequence[tuple[str, str]], disruptions: Iterable[Disruption] = ()
) -> Findings:
    """Wait until all these thoughts are terminal, and verify them. Only the disruptions excuse calls paid twice."""
    reader = PostgresReader(stack.initial_status["database_url"])
    ids = [thought for _, thought in accepted]
    eventually(lambda: not reader.open_thoughts(ids), timeout=90)
    findings = verify(accepted, reader.thoughts(ids), all_calls(stack), list(disruptions), 0.0)
    reader.close()
    return findings


def all_calls(stack: Stack) -> Calls:
    """Return all calls so far."""
    log = CallLog(stack.call_log)
    log.read_new()
    return log.calls


def calls_of(stack: Stack, thought: str, agent: str) -> list[Call]:
    """Return the calls of an agent for a thought so far, in the order of their starts."""
    return list(all_calls(stack).get((thought, agent), ()))


def assert_completed_in_order(stack: Stack, submitted: dict[str, list[str]]) -> int:
    """Assert that each thought completes, and each user's in order; return how many calls beyond one per step were
    paid."""
    extra_calls = 0
    for thoughts in submitted.values():
        for thought in thoughts:
            assert stack.wait_until_terminal(thought, timeout=90)["status"] == "completed"
            counts = stack.call_counts(thought)
            assert len(counts) == AGENTS
            extra_calls += counts.total() - AGENTS
        spans = stack.call_spans(thoughts)
        for earlier, later in pairwise(thoughts):
            assert spans[earlier][1] <= spans[later][0]
    return extra_calls
