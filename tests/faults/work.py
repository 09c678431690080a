"""What people write while something breaks, and how all of it must end."""

from itertools import pairwise

from tests.running import Stack, somebody

AGENTS = 5


def work(stack: Stack, users: int, each: int, text: str = "Under fire") -> dict[str, list[str]]:
    """Thoughts of several users, posted in turn: user -> ids in the order of writing."""
    people = [somebody() for _ in range(users)]
    posted: dict[str, list[str]] = {person: [] for person in people}
    for number in range(each):
        for person in people:
            posted[person].append(stack.post(f"{text} {number}", person)["id"])
    return posted


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
