"""Accept, and the insert of its user."""

import json
from types import SimpleNamespace
from typing import Any

from contracts import accept
from tests.simulation.sql_joining import event_of_account
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
        user, old = self._author(p["user"]), self._tables.thoughts.get(p["id"])
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
                user_known=user in self._tables.users or old is not None,
                author=user if user in self._tables.users else None,
                turn=fresh.turn if fresh else old_turn,
                owner=self._owner(p["user"], old) if old and "accept.owner" not in self._store.disabled else None,
                old_text=old.text if old and "accept.text" not in self._store.disabled else None,
                created=fresh is not None,
            )
        ]

    def _author(self, user: Any) -> Any:
        return user if "accept.joined" in self._store.disabled else self._tables.account_of.get(user, user)

    def _owner(self, user: Any, old: Thought) -> Any:
        return user if old.user_id == self._author(user) else old.user_id

    def _insert(self, p: Parameters, user: Any, turn: int) -> Thought:
        now, checks = self._store.clock(), self._store.checks
        headers = json.loads(p["headers"]) if p["headers"] else None
        emit = p["emit"] or (user != p["user"] and headers is not None)
        emitted_at = now if emit else None
        thought = Thought(
            p["id"], user, turn, p["text"], p["event"], now, emitted_at, checks.next_write_order(), headers, p["fresh"]
        )
        if user != p["user"]:
            thought.event = event_of_account(thought, user)
        self._tables.thoughts[thought.id] = thought
        self._tables.thoughts_by_user.setdefault(user, []).append(thought)
        checks.thought_stored(thought)
        if emit:
            self._store.add_outbox_row(p["topic"], str(user), turn, thought.event, headers=headers)
        return thought
