"""Records, heads and decisions for the lane's tests, with default values for what a test does not care about."""

from typing import Any
from uuid import UUID, uuid4

from bridge.consumer.protocol import Decision, Head, RecordVerdict, VerdictKind
from bridge.records.types import Record

ANNA, BERT = UUID(int=1), UUID(int=2)


def make_record(offset: int, user: UUID = ANNA, turn: int | None = 1, thought: UUID | None = None) -> Record:
    """Return a record at an offset. Each offset has its own thought unless one is given."""
    return Record(offset, user, thought or UUID(int=1000 + offset), turn)


def make_head(user: UUID = ANNA, **columns: Any) -> Head:
    """Return a head that was dispatched before, as it stands after a decision."""
    defaults: dict[str, Any] = {
        "thought_id": UUID(int=99),
        "turn": 1,
        "steps_done": 0,
        "dispatch_id": 1,
        "beat": 1,
        "sends": 1,
        "losses": 0,
        "in_call": False,
        "wait": 0.0,
        "needs_dispatch": False,
        "begins": False,
    }
    return Head(user_id=user, **(defaults | columns))


def make_decision(user: UUID = ANNA, head: Head | None = None, **verdicts: VerdictKind) -> Decision:
    """Return PostgreSQL's answer about one user. Verdicts are written as `o5="done"` for offset 5."""
    return Decision(user, tuple(RecordVerdict(int(name[1:]), kind) for name, kind in verdicts.items()), head)


def make_unseen_head(user: UUID = ANNA, **columns: Any) -> Head:
    """Return a head with a new thought id."""
    return make_head(user, thought_id=uuid4(), **columns)
