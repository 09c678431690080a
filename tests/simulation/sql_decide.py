"""Decide: the verdicts on records, and the head of each line."""

from types import SimpleNamespace
from typing import Any, Final

from bridge.consumer import decide
from tests.simulation.store import Parameters, Rows, Statements, Store
from tests.simulation.tables import Thought

HEAD_WAITS: Final = "a head waits until it may begin"


class DecideStatement:
    """Decide."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tables = store.tables
        self._disabled = store.disabled

    def statements(self) -> Statements:
        return {decide.DECIDE: self._decide}

    def _decide(self, p: Parameters) -> Rows:
        requests = zip(
            p["users"], p["seen_thoughts"], p["seen_dispatches"], p["seen_beats"], p["may_begin"], strict=True
        )
        records: dict[Any, list[tuple[int, str, Any]]] = {}
        for user, thought, turn, number in zip(
            p["rec_users"], p["rec_thoughts"], p["rec_turns"], p["rec_offsets"], strict=True
        ):
            records.setdefault(user, []).append((number, self._verdict(user, thought, turn), thought))
        return [row for user, *seen in requests for row in self._answer(user, records.get(user, []), seen)]

    def _verdict(self, user: Any, thought_id: Any, turn: int | None) -> str:
        thought = self._tables.thoughts.get(thought_id)
        if thought is None:
            return "unknown"
        if thought.user_id == self._tables.account_of.get(user):
            return "done"
        if thought.user_id != user and "decide.owner" not in self._disabled:
            return "contradicts"
        if turn is not None and thought.turn != turn and self._has_failed_in(thought, turn):
            return "done"
        return "open" if thought.is_open and "decide.terminal" not in self._disabled else "done"

    def _has_failed_in(self, thought: Thought, turn: int) -> bool:
        has_failed = f"{thought.id}:{turn}" in self._tables.dead_letters or "decide.failed" in self._disabled
        return has_failed and "decide.turn" not in self._disabled

    def _answer(self, user: Any, records: list[tuple[int, str, Any]], seen: list[Any]) -> Rows:
        open_thoughts = [thought for _, verdict, thought in records if verdict == "open"]
        head = self._head(user, seen, open_thoughts) if open_thoughts else None
        no_head = {"head": None}
        return [
            SimpleNamespace(n=number, verdict=verdict, user_id=user, **(head or no_head))
            for number, verdict, _ in records
        ]

    def _head(self, user: Any, seen: list[Any], open_thoughts: list[Any]) -> dict[str, Any] | None:
        line = self._tables.line(user)
        locked = self._store.locked
        if "decide.lock" in self._disabled:
            line = [t for t in line if t.id not in locked]
        if "decide.head" in self._disabled:
            line = [t for t in line if t.id == open_thoughts[0]]
        if not line or line[0].id in locked:
            return None
        return self._head_row(line[0], seen)

    def _head_row(self, t: Thought, seen: list[Any]) -> dict[str, Any]:
        is_pending, in_call = t.status == "pending", t.call_id is not None
        is_expired = (
            seen[0] == t.id
            and (seen[1] == t.dispatch_id or "decide.dispatch" in self._disabled)
            and (seen[2] == t.beat or "decide.beat" in self._disabled)
        )
        needs_dispatch = seen[3] if is_pending else is_expired
        self._store.checks.observations[HEAD_WAITS] += is_pending and not needs_dispatch
        wait = t.believed_wait(self._store.clock())
        if needs_dispatch:
            self._dispatch(t, is_pending, in_call)
        return {
            "head": t.id,
            "turn": t.turn,
            "steps_done": t.steps_done,
            "dispatch_id": t.dispatch_id,
            "beat": t.beat,
            "sends": t.sends,
            "in_call": in_call and not needs_dispatch,
            "losses": t.losses,
            "wait": wait,
            "needs_dispatch": needs_dispatch,
            "begins": is_pending and needs_dispatch,
            "pending": is_pending and not needs_dispatch,
            "tracing": None,
        }

    def _dispatch(self, t: Thought, is_pending: bool, in_call: bool) -> None:
        new_token = (
            is_pending
            or (in_call and "decide.new_token" not in self._disabled)
            or "decide.same_token" in self._disabled
        )
        if in_call:
            self._store.checks.call_taken_over(t)
        t.status, t.beat, t.beat_at = "processing", t.beat + 1, self._store.clock()
        t.sends = 1 if new_token else t.sends + 1
        t.dispatch_id += new_token
        t.losses += in_call
        if "decide.clears_call" not in self._disabled:
            t.call_id = None
        if t.started_at is None:
            t.started_at = self._store.clock()
