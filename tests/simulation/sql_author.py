"""What authors do to their thoughts: deletion, cancellation, and the question whether a retry was repeated."""

import json
from types import SimpleNamespace
from typing import Any

from tests.simulation.store import Parameters, Rows, Statements, Store
from tests.simulation.tables import DeadLetter, Thought
from webapp import cancellation, deletion, retrying

ERASED_HEADERS = {"message", "stack", "original_key", "original_headers"}


class AuthorStatements:
    """The statements of an author. A retry is a replay, which is among those of the dead letters."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tables = store.tables

    def statements(self) -> Statements:
        return {
            deletion.DELETE_THOUGHT: self._delete_thought,
            deletion.ERASE_LATE_RESULTS: self._erase_late_results,
            cancellation.CANCEL: self._cancel_thought,
            retrying.WAS_RETRIED: self._was_retried,
        }

    def _cancel_thought(self, p: Parameters) -> Rows:
        t, disabled = self._tables.thoughts.get(p["id"]), self._store.disabled
        if t is None:
            return []
        kind = json.loads(t.error).get("kind") if t.error else None
        before = {"turn": t.turn, "status": t.status, "is_open": t.is_open, "kind": kind}
        is_cancelled = (t.turn == p["turn"] or "cancel.turn" in disabled) and (t.is_open or "cancel.open" in disabled)
        if is_cancelled:
            self._apply_cancellation(t, p)
        return [SimpleNamespace(cancelled=is_cancelled, **before)]

    def _apply_cancellation(self, t: Thought, p: Parameters) -> None:
        self._store.checks.thought_cancelled(t)
        t.status, t.finished_at, t.not_before, t.error = "failed", self._store.clock(), None, p["error"]
        t.call_id = t.call_id if "cancel.call" in self._store.disabled else None
        t.dispatch_id += "cancel.token" not in self._store.disabled
        t.beat, t.beat_at = t.beat + 1, self._store.clock()
        failure_id, headers = f"{t.id}:{t.turn}", json.loads(p["headers"])
        letter = DeadLetter(failure_id, t.id, t.turn, p["reason"], headers, b"", "discarded")
        if "cancel.dead_letter" not in self._store.disabled:
            self._tables.dead_letters[failure_id] = letter
        if p["emit"]:
            self._store.add_outbox_row(p["topic"], str(t.user_id), t.turn, p["event"])

    def _was_retried(self, p: Parameters) -> Rows:
        t = self._tables.thoughts.get(p["id"])
        if t is None or not t.is_open:
            return []
        turns = {letter.replayed_turn for letter in self._tables.dead_letters.values() if letter.thought_id == t.id}
        return [SimpleNamespace(was_retried=t.turn in turns)]

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
        users = {str(user) for user, account in self._tables.account_of.items() if account == t.user_id}
        users.add(str(t.user_id))
        for failure_id, letter in self._tables.dead_letters.items():
            is_named = letter.headers.get("thought_id") == str(t.id) and letter.headers.get("user_id") in users
            names_thought = letter.thought_id is None and is_named
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
