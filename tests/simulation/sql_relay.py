"""The relay's statements: reading, deleting and parking outbox rows, and the sweep."""

from types import SimpleNamespace
from typing import Any

from bridge.relay import outbox, sweep
from tests.simulation.store import Parameters, Rows, Statements, Store
from tests.simulation.tables import OutboxRow, Thought


class RelayStatements:
    """The statements of the outbox, and the sweep."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tables = store.tables

    def statements(self) -> Statements:
        return {
            outbox.HAS_PENDING: self._has_pending,
            outbox.NEXT_BATCH: self._next_batch,
            outbox.DELETE: self._delete,
            outbox.SET_KAFKA_POSITION: self._set_kafka_position,
            outbox.PARK: self._park,
            sweep.SWEEP: self._sweep,
        }

    def _pending_rows(self, p: Parameters) -> list[OutboxRow]:
        rows = [row for row in self._tables.outbox.values() if not row.parked and row.topic not in p["paused_topics"]]
        return [
            row
            for row in rows
            if (str(row.id) if row.key is None else f"{row.topic} {row.key}") not in p["paused_order_keys"]
        ]

    def _has_pending(self, p: Parameters) -> Rows:
        return [SimpleNamespace(has_pending=bool(self._pending_rows(p)))]

    def _next_batch(self, p: Parameters) -> Rows:
        batch, size = [], 0
        for row in sorted(self._pending_rows(p), key=lambda row: row.id)[: p["rows"]]:
            if size >= p["bytes"]:
                break
            batch.append(row)
            size += len(row.value or b"")
        return batch

    def _delete(self, p: Parameters) -> Rows:
        deleted = set(p["ids"])
        if "relay.acknowledged" in self._store.disabled:
            deleted = {row_id for row_id in self._tables.outbox if row_id <= max(p["ids"])}
        for row_id in deleted:
            self._tables.outbox.pop(row_id, None)
        return []

    def _set_kafka_position(self, _: Parameters) -> Rows:
        return []

    def _park(self, p: Parameters) -> Rows:
        for row_id in p["ids"]:
            if row_id in self._tables.outbox:
                self._tables.outbox[row_id].parked = True
        return []

    def _sweep(self, p: Parameters) -> Rows:
        users = sorted(user for user in self._tables.thoughts_by_user if user > p["after"] and self._tables.line(user))
        page = users[: p["users"]] if "sweep.emits" not in self._store.disabled else []
        emitted = sum(self._emit(user, p["topic"]) for user in page)
        return [SimpleNamespace(emitted=emitted, last=page[-1] if len(page) == p["users"] else None)]

    def _emit(self, user: Any, topic: str) -> bool:
        line, disabled = self._tables.line(user), self._store.disabled
        newest = line[0 if "sweep.newest" in disabled else -1]
        is_new = _is_new(newest) and "sweep.never_emitted" not in disabled
        if newest.id in self._store.locked or not (is_new or _is_quiet(newest, line[0], self._store.clock(), disabled)):
            return False
        now = self._store.clock()
        newest.emitted_at, newest.emissions = now, newest.emissions + 1
        self._store.add_outbox_row(topic, str(user), newest.turn, newest.event, headers=newest.headers)
        return True


def _is_new(newest: Thought) -> bool:
    """Return whether no record of it exists: it was never emitted, and no external producer wrote it."""
    return newest.emitted_at is None and newest.headers is None


def _is_quiet(newest: Thought, head: Thought, now: float, disabled: frozenset[str]) -> bool:
    since = newest.created_at if newest.emitted_at is None else newest.emitted_at
    is_recent = now - 300.0 * 2 ** min(newest.emissions, 6) <= since <= now + 1.0
    if is_recent and "sweep.pause" not in disabled:
        return False
    is_from_future = head.beat_at is not None and head.beat_at > now + 1.0
    return is_from_future or head.beat_at is None or head.beat_at <= now - 60.0 or "sweep.beat" in disabled
