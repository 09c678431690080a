"""The relay's statements: the outbox read, deleted and parked, and the sweep."""

from types import SimpleNamespace
from typing import Any

from bridge.relay import outbox, sweep
from tests.simulation.rows import OutboxRow, Thought
from tests.simulation.store import Parameters, Rows, Statements, Store


class Relaying:
    """The statements."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tables = store.tables

    def statements(self) -> Statements:
        return {
            outbox.HAS_PENDING: self._waits,
            outbox.NEXT_BATCH: self._first_rows,
            outbox.DELETE: self._delete,
            outbox.SET_KAFKA_POSITION: self._nothing,
            outbox.PARK: self._park,
            sweep.SWEEP: self._sweep,
        }

    def _waiting(self, p: Parameters) -> list[OutboxRow]:
        rows = [row for row in self._tables.outbox.values() if not row.parked and row.topic not in p["resting"]]
        return [row for row in rows if (str(row.id) if row.key is None else f"{row.topic} {row.key}") not in p["lines"]]

    def _waits(self, p: Parameters) -> Rows:
        return [SimpleNamespace(waits=bool(self._waiting(p)))]

    def _first_rows(self, p: Parameters) -> Rows:
        found, size = [], 0
        for row in sorted(self._waiting(p), key=lambda row: row.id)[: p["rows"]]:
            if size >= p["bytes"]:
                break
            found.append(row)
            size += len(row.value or b"")
        return found

    def _delete(self, p: Parameters) -> Rows:
        gone = set(p["ids"])
        if "relay.exactly" in self._store.off:
            gone = {one for one in self._tables.outbox if one <= max(p["ids"])}
        for one in gone:
            self._tables.outbox.pop(one, None)
        return []

    def _nothing(self, _: Parameters) -> Rows:
        return []

    def _park(self, p: Parameters) -> Rows:
        for one in p["ids"]:
            if one in self._tables.outbox:
                self._tables.outbox[one].parked = True
        return []

    def _sweep(self, p: Parameters) -> Rows:
        users = sorted(user for user in self._tables.lines if user > p["after"] and self._tables.line(user))
        page = users[: p["users"]] if "sweep" not in self._store.off else []
        emitted = sum(self._ring(user, p["topic"]) for user in page)
        return [SimpleNamespace(emitted=emitted, last=page[-1] if len(page) == p["users"] else None)]

    def _ring(self, user: Any, topic: str) -> bool:
        line, off = self._tables.line(user), self._store.off
        newest = line[0 if "sweep.newest" in off else -1]
        is_new = _is_new(newest) and "sweep.new" not in off
        if newest.id in self._store.locked or not (is_new or _is_quiet(newest, line[0], self._store.clock(), off)):
            return False
        now = self._store.clock()
        newest.emitted_at, newest.emissions = now, newest.emissions + 1
        self._store.tell(topic, str(user), newest.turn, newest.event, headers=newest.headers)
        return True


def _is_new(newest: Thought) -> bool:
    """Never emitted, and no other producer's: there is no record of it."""
    return newest.emitted_at is None and newest.headers is None


def _is_quiet(newest: Thought, head: Thought, now: float, off: frozenset[str]) -> bool:
    since = newest.created_at if newest.emitted_at is None else newest.emitted_at
    if since >= now - 300.0 * 2 ** min(newest.emissions, 6) and "sweep.pause" not in off:
        return False
    return head.beat_at is None or head.beat_at <= now - 60.0 or "sweep.beat" in off
