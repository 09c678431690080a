"""Batch mode: the rows of `batches`, and who waits for them."""

from types import SimpleNamespace

from bridge import batches
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
            batches.BEGIN: self._begin,
            batches.OPEN: self._open,
            batches.WAITING: self._waiting,
            batches.END: self._end,
        }

    def _request(self, _: Parameters) -> Rows:
        waiting = [one for one in self._tables.batches if one.begun_at is None]
        for one in waiting:
            one.asked_at = self._store.clock()
        if waiting:
            return [SimpleNamespace(id=one.id, fresh=False) for one in waiting]
        batch = Batch(len(self._tables.batches) + 1, self._store.clock())
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
        found = []
        for user in self._tables.lines if asked else ():
            ripe = [one for one in self._tables.line(user) if one.created_at <= max(asked)]
            if ripe and user not in p["held"]:
                found.append(SimpleNamespace(id=ripe[-1].id, user_id=user, turn=ripe[-1].turn))
        return sorted(found, key=lambda row: row.user_id)[: p["users"]]

    def _end(self, _: Parameters) -> Rows:
        ended = []
        for one in self._tables.batches:
            waits = any(t.is_open and t.created_at <= one.asked_at for t in self._tables.thoughts.values())
            if one.ended_at is None and one.begun_at is not None and not waits:
                one.ended_at = self._store.clock()
                ended.append(SimpleNamespace(id=one.id))
        return ended
