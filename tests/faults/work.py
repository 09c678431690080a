"""What people write while something breaks, and how all of it must end."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from tests.eventually import eventually
from tests.faults.facts import CallLog, PostgreSQL
from tests.faults.verdicts import Call, Hit, Verdict, judge
from tests.running_stack import Stack, somebody

AGENTS = 5


def work(stack: Stack, users: int, each: int, text: str = "Under fire") -> dict[str, list[str]]:
    """Thoughts of several users, posted in turn: user -> ids in the order of writing."""
    people = [somebody() for _ in range(users)]
    posted: dict[str, list[str]] = {person: [] for person in people}
    for number in range(each):
        for person in people:
            posted[person].append(stack.post(f"{text} {number}", person)["id"])
    return posted


def promised(posted: dict[str, list[str]]) -> list[tuple[str, str]]:
    """The work as (user, thought), each user's in the order of writing."""
    return [(person, thought) for person, thoughts in posted.items() for thought in thoughts]


def verdict(stack: Stack, accepted: Sequence[tuple[str, str]], hits: Iterable[Hit] = ()) -> Verdict:
    """Of all these thoughts, when they have ended. No process but those that were hit has an excuse for anything."""
    postgresql, log = PostgreSQL(stack.status_then["database_url"]), CallLog(stack.call_log)
    ids = [thought for _, thought in accepted]
    eventually(lambda: not postgresql.still_open(ids), timeout=90)
    log.read_on()
    found = judge(accepted, postgresql.thoughts(ids), log.calls, list(hits), 0.0)
    postgresql.close()
    return found


def begun(stack: Stack, thought: str, agent: str) -> list[Call]:
    """The calls of a thought's agent so far, in the order of their beginning."""
    log = CallLog(stack.call_log)
    log.read_on()
    return log.calls[thought, agent]


def everything_is_done_in_order(stack: Stack, posted: dict[str, list[str]]) -> int:
    """Each thought completed, each person's in order; returns how many calls were paid beyond one a step."""
    extra = 0
    for thoughts in posted.values():
        for thought in thoughts:
            assert stack.ended(thought, timeout=90)["status"] == "completed"
            starts = stack.starts(thought)
            assert len(starts) == AGENTS
            extra += starts.total() - AGENTS
        spans = stack.spans(thoughts)
        for earlier, later in pairwise(thoughts):
            assert spans[earlier][1] <= spans[later][0]
    return extra
