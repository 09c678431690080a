"""Batch mode: the rows of `batches`, and who waits for them."""

from types import SimpleNamespace

from bridge.consumer import batch_source
from tasks.batches import REQUEST
from tests.simulation.rows import Batch
from tests.simulation.store import Parameters, Rows, Statements, Store


class Batching:
    """The statements."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tables = store.tables

    def statements(self) -> Statements:
        return {
            REQUEST: self._request,
            batch_source.BEGIN: self._begin,
            batch_source.OPEN: self._open,
            batch_source.WAITING: self._waiting,
            batch_source.END: self._end,
        }

    def _request(self, _: Parameters) -> Rows:
        now = self._store.clock()
        self._store.promise.batch_asked(now, self._tables.thoughts.values())
        waiting = [one for one in self._tables.batches if one.begun_at is None]
        for one in waiting if "batch.later" not in self._store.off else ():
            one.asked_at = max(one.asked_at, now)
        if waiting:
            return [SimpleNamespace(id=one.id, fresh=False) for one in waiting]
        batch = Batch(len(self._tables.batches) + 1, now)
        self._tables.batches.append(batch)
        return [SimpleNamespace(id=batch.id, fresh=True)]

    def _begin(self, _: Parameters) -> Rows:
        begun = [one for one in self._tables.batches if one.begun_at is None]
        for one in begun:
            one.begun_at = self._store.clock()
        return [SimpleNamespace(id=one.id) for one in begun]

    def _open(self, _: Parameters) -> Rows:
        return [SimpleNamespace(id=one.id) for one in self._tables.batches if one.ended_at is None]

    def _waiting(self, p: Parameters) -> Rows:
        asked = [one.asked_at for one in self._tables.batches if one.ended_at is None]
        found, off = [], self._store.off
        for user in self._tables.lines if asked else ():
            ripe = [one for one in self._tables.line(user) if one.created_at <= max(asked) or "batch.asked" in off]
            if ripe and (user not in p["held"] or "batch.held" in off):
                found.append(SimpleNamespace(id=ripe[-1].id, user_id=user, turn=ripe[-1].turn))
        return sorted(found, key=lambda row: row.user_id)[: p["users"]]

    def _end(self, _: Parameters) -> Rows:
        ended, off = [], self._store.off
        for one in self._tables.batches:
            waits = any(t.is_open and t.created_at <= one.asked_at for t in self._tables.thoughts.values())
            begun = one.begun_at is not None or "batch.begun" in off
            if one.ended_at is None and begun and (not waits or "batch.end" in off):
                one.ended_at = self._store.clock()
                ended.append(SimpleNamespace(id=one.id))
        return ended
