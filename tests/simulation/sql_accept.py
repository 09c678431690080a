"""Accept, and the deletion of a thought by its author."""

import json
from types import SimpleNamespace
from typing import Any

from contracts import accept
from tests.simulation.store import UNSTORABLE, Parameters, RefusedDataError, Rows, Statements, Store
from tests.simulation.tables import Thought
from webapp import deletion, users

ERASED_HEADERS = {"message", "stack", "original_key", "original_headers"}


class AcceptStatements:
    """Accept, the insert of its user, and deletion."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tables = store.tables

    def statements(self) -> Statements:
        return {
            accept.ACCEPT: self._accept,
            users.INSERT_USER: self._insert_user,
            deletion.DELETE_THOUGHT: self._delete_thought,
            deletion.ERASE_LATE_RESULTS: self._erase_late_results,
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

    def _delete_thought(self, p: Parameters) -> Rows:
        t = self._tables.thoughts.get(p["id"])
        if t is None or t.status == "deleted":
            return []
        t.finished_at = self._store.clock() if t.finished_at is None else t.finished_at
        t.status, t.text, t.event = "deleted", "", b""
        t.headers = t.error = t.not_before = None
        t.call_id = t.call_id if "delete.call" in self._store.disabled else None
        t.dispatch_id += "delete.token" not in self._store.disabled
        t.beat, t.beat_at = t.beat + 1, self._store.clock()
        return self._erase_late_results(p)

    def _erase_late_results(self, p: Parameters) -> Rows:
        t = self._tables.thoughts.get(p["id"])
        if t is None or t.status != "deleted":
            return []
        for step in range(1, t.steps_done + 1):
            self._tables.saved_steps.pop((t.id, step), None)
            self._tables.copied_from.pop((t.id, step), None)
        ids = {"thought_id": str(t.id), "user_id": str(t.user_id)}
        for failure_id, letter in self._tables.dead_letters.items():
            names_thought = letter.thought_id is None and ids.items() <= letter.headers.items()
            if letter.thought_id == t.id or names_thought:
                letter.value, letter.state = b"", "discarded"
                letter.headers = _without_erased(letter.headers)
                self._erase_unsent(failure_id)
        return []

    def _erase_unsent(self, failure_id: str) -> None:
        for row in self._tables.outbox.values():
            if row.failure_id == failure_id:
                row.value, row.headers = b"", _without_erased(row.headers)


def _without_erased(headers: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in headers.items() if name not in ERASED_HEADERS}
