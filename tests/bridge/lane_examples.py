"""Records, heads and answers as the lane's tests need them, with everything that does not matter filled in."""

from typing import Any
from uuid import UUID, uuid4

from bridge.consumer.protocol import Decision, Head, RecordVerdict, VerdictKind
from bridge.records.types import Record

ANNA, BERT, CLEO = UUID(int=1), UUID(int=2), UUID(int=3)


def a_record(offset: int, user: UUID = ANNA, turn: int | None = 1, thought: UUID | None = None) -> Record:
    """A doorbell at an offset; each offset has a thought of its own unless one is given."""
    return Record(offset, user, thought or UUID(int=1000 + offset), turn)


def a_head(user: UUID = ANNA, **columns: Any) -> Head:
    """A head that somebody works on, as it stands after the decision."""
    usual: dict[str, Any] = {
        "thought_id": UUID(int=99),
        "turn": 1,
        "steps_done": 0,
        "dispatch_id": 1,
        "beat": 1,
        "sends": 1,
        "losses": 0,
        "in_call": False,
        "wait": 0.0,
        "dispatched": False,
        "begins": False,
    }
    return Head(user_id=user, **(usual | columns))


def an_answer(user: UUID = ANNA, head: Head | None = None, **verdicts: VerdictKind) -> Decision:
    """PostgreSQL's answer about one user; verdicts are given as `o5="done"` for offset 5."""
    return Decision(user, tuple(RecordVerdict(int(name[1:]), word) for name, word in verdicts.items()), head)


def a_fresh_head(user: UUID = ANNA, **columns: Any) -> Head:
    """A head nobody has seen before."""
    return a_head(user, thought_id=uuid4(), **columns)
