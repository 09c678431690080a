"""The join of an anonymous user and an account."""

import json
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from tests.simulation.store import Parameters, Rows, Statements, Store
from tests.simulation.tables import Thought
from webapp.accounts import joining


class JoinStatements:
    """JoinAccount, and the move of late vectors, which the simulation does not have."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tables = store.tables
        self._disabled = store.disabled

    def statements(self) -> Statements:
        return {joining.JOIN_ACCOUNT: self._join_account, joining.MOVE_LATE_VECTORS: self._move_late_vectors}

    def _move_late_vectors(self, _: Parameters) -> Rows:
        return []

    def _join_account(self, p: Parameters) -> Rows:
        anonymous, account, tables = p["anonymous"], p["account"], self._tables
        if anonymous not in tables.users or account not in tables.users:
            return []
        is_free = anonymous not in tables.account_of and anonymous not in tables.accounts
        may_join = is_free and account in tables.accounts
        if may_join:
            self._move(anonymous, account, p)
        return [SimpleNamespace(joined=may_join, may_join=may_join)]

    def _move(self, anonymous: UUID, account: UUID, p: Parameters) -> None:
        tables = self._tables
        line, has_line = tables.line(anonymous), bool(tables.line(account))
        thoughts = tables.thoughts_by_user.pop(anonymous, [])
        tables.account_of[anonymous] = account
        last_turn = former_last_turn = max(tables.users[anonymous], tables.users[account])
        for t in sorted(thoughts, key=lambda t: t.turn):
            former_turn = t.turn
            if t.is_open:
                last_turn += 1
                self._move_open(t, anonymous, last_turn, p, is_head=not has_line and t is line[0])
            else:
                t.profile_of = anonymous
            t.user_id = account
            if t.is_open or t.status == "failed":
                t.event = event_of_account(t, account)
            self._store.checks.thought_moved(t, anonymous, former_turn)
            if t.is_open and p["emit"]:
                self._store.add_outbox_row(p["topic"], str(account), t.turn, t.event, headers=t.headers)
        tables.users[account] = max(former_last_turn + 1, last_turn)
        tables.thoughts_by_user.setdefault(account, []).extend(thoughts)

    def _move_open(self, t: Thought, anonymous: UUID, turn: int, p: Parameters, *, is_head: bool) -> None:
        now = self._store.clock()
        if t.started_at is not None or t.steps_done:
            t.profile_of = anonymous
        if "join.turn" not in self._disabled:
            t.turn = turn
        goes_on = is_head or "join.waits" in self._disabled
        t.started_at = now if t.status == "processing" and goes_on else None
        if "join.call" in self._disabled:
            t.call_id = None
        if t.call_id is None and not goes_on:
            t.status = "pending"
        t.beat, t.beat_at = t.beat + 1, now
        t.emitted_at, t.emissions = now if p["emit"] else None, 0


def event_of_account(t: Thought, account: UUID) -> bytes:
    """Return the thought's event in the account's name, as PostgreSQL's type jsonb prints it."""
    if t.headers is None:
        event: dict[str, Any] = json.loads(t.event)
    else:
        event = {"version": 1, "event_type": "thought_created", "event_id": str(t.id), "thought_id": str(t.id)}
        event |= {"timestamp": "2026-01-01T00:00:00+00:00", "text": t.text}
    event["user_id"] = str(account)
    names = sorted(event, key=lambda name: (len(name), name))
    return json.dumps({name: event[name] for name in names}, ensure_ascii=False).encode()
