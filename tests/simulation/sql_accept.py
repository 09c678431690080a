"""How a thought comes and goes: Accept, and its author's deletion."""

import json
from types import SimpleNamespace
from typing import Any

from contracts import accept
from tests.simulation.rows import Thought
from tests.simulation.store import UNSTORABLE, Parameters, RefusedDataError, Rows, Statements, Store
from webapp import deletion, submission

WORDS = {"message", "stack", "original_key", "original_headers"}


class Accepting:
    """The statements."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tables = store.tables

    def statements(self) -> Statements:
        return {
            accept.ACCEPT: self._accept,
            submission.INSERT_USER: self._make_user,
            deletion.DELETE_THOUGHT: self._bury_words,
            deletion.ERASE_LATE_RESULTS: self._erase,
        }

    def _make_user(self, p: Parameters) -> Rows:
        self._tables.users.setdefault(p["id"], 0)
        return []

    def _accept(self, p: Parameters) -> Rows:
        if p["text"].startswith(UNSTORABLE):
            raise RefusedDataError
        user, old = p["user"], self._tables.thoughts.get(p["id"])
        old_turn, fresh = old.turn if old else None, None
        if user in self._tables.users and (old is None or "accept.id" in self._store.off):
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
                owner=old.user_id if old and "accept.owner" not in self._store.off else None,
                old_text=old.text if old and "accept.text" not in self._store.off else None,
                fresh=fresh is not None,
            )
        ]

    def _insert(self, p: Parameters, user: Any, turn: int) -> Thought:
        now, emit, promise = self._store.clock(), p["emit"], self._store.promise
        headers = json.loads(p["headers"]) if p["headers"] else None
        emitted_at = now if emit else None
        thought = Thought(p["id"], user, turn, p["text"], p["event"], now, emitted_at, promise.next_place(), headers)
        self._tables.thoughts[thought.id] = thought
        self._tables.lines.setdefault(user, []).append(thought)
        promise.stored(thought)
        if emit:
            self._store.tell(p["topic"], str(user), turn, thought.event, headers=headers)
        return thought

    def _bury_words(self, p: Parameters) -> Rows:
        t = self._tables.thoughts.get(p["id"])
        if t is None or t.status == "deleted":
            return []
        t.finished_at = self._store.clock() if t.finished_at is None else t.finished_at
        t.status, t.text, t.event = "deleted", "", b""
        t.headers = t.error = t.not_before = None
        t.call_id = t.call_id if "delete.call" in self._store.off else None
        t.dispatch_id += "delete.token" not in self._store.off
        t.beat, t.beat_at = t.beat + 1, self._store.clock()
        return self._erase(p)

    def _erase(self, p: Parameters) -> Rows:
        t = self._tables.thoughts.get(p["id"])
        if t is None or t.status != "deleted":
            return []
        for step in range(1, t.steps_done + 1):
            self._tables.runs.pop((t.id, step), None)
        refused = {"thought_id": str(t.id), "user_id": str(t.user_id)}
        for key, letter in self._tables.letters.items():
            named = letter.thought_id is None and refused.items() <= letter.headers.items()
            if letter.thought_id == t.id or named:
                letter.value, letter.state = b"", "discarded"
                letter.headers = _without_words(letter.headers)
                self._erase_unsent(key)
        return []

    def _erase_unsent(self, failure: str) -> None:
        for row in self._tables.outbox.values():
            if row.failure_id == failure:
                row.value, row.headers = b"", _without_words(row.headers)


def _without_words(headers: dict[str, Any]) -> dict[str, Any]:
    return {name: told for name, told in headers.items() if name not in WORDS}
