"""Accept, and the insert of its user."""

import json
from types import SimpleNamespace
from typing import Any

from contracts import accept
from tests.simulation.store import UNSTORABLE, Parameters, RefusedDataError, Rows, Statements, Store
from tests.simulation.tables import Thought
from webapp import users


class AcceptStatements:
    """Accept, and the insert of its user."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tables = store.tables

    def statements(self) -> Statements:
        return {
            accept.ACCEPT: self._accept,
            users.INSERT_USER: self._insert_user,
        }

    def _insert_user(self, p: Parameters) -> Rows:
        self._tables.users.setdefault(p["id"], 0)
        return []

    def _accept(self, p: Parameters) -> Rows:
        if p["text"].startswith(UNSTORABLE):
            raise RefusedDataError
        user, old = p["user"], self._tables.thoughts.get(p["id"])
        old_turn, fresh = old.turn if old else None, None
        if user in self._tables.users and (old is None or "accept.id" in self._store.disabled):
            self._tables.users[user] += 1
            turn = p.get("_turn") or self._tables.users[user]
            if old is None:
                fresh = self._insert(p, user, turn)
            else:
                old.turn = turn
        return [
            SimpleNamespace(
                user_known=user in self._tables.users,
                turn=fresh.turn if fresh else old_turn,
                owner=old.user_id if old and "accept.owner" not in self._store.disabled else None,
                old_text=old.text if old and "accept.text" not in self._store.disabled else None,
                created=fresh is not None,
            )
        ]

    def _insert(self, p: Parameters, user: Any, turn: int) -> Thought:
        now, emit, checks = self._store.clock(), p["emit"], self._store.checks
        headers = json.loads(p["headers"]) if p["headers"] else None
        emitted_at = now if emit else None
        thought = Thought(
            p["id"], user, turn, p["text"], p["event"], now, emitted_at, checks.next_write_order(), headers, p["fresh"]
        )
        self._tables.thoughts[thought.id] = thought
        self._tables.thoughts_by_user.setdefault(user, []).append(thought)
        checks.thought_stored(thought)
        if emit:
            self._store.add_outbox_row(p["topic"], str(user), turn, thought.event, headers=headers)
        return thought
