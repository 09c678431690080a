"""Batch mode: the rows of `batches`, and the users whose thoughts wait for them."""

from types import SimpleNamespace

from bridge.consumer import batch_source
from tasks.batches import REQUEST
from tests.simulation.store import Parameters, Rows, Statements, Store
from tests.simulation.tables import Batch, Thought


class BatchStatements:
    """The statements of the table `batches`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tables = store.tables

    def statements(self) -> Statements:
        return {
            REQUEST: self._request,
            batch_source.BEGIN: self._begin_batches,
            batch_source.OPEN: self._open_batches,
            batch_source.WAITING: self._waiting_users,
            batch_source.END: self._end_batches,
        }

    def _request(self, _: Parameters) -> Rows:
        now = self._store.clock()
        self._store.checks.batch_requested(now, self._tables.thoughts.values())
        waiting = [batch for batch in self._tables.batches if batch.begun_at is None]
        for batch in waiting if "batch.shared" not in self._store.disabled else ():
            batch.asked_at = max(batch.asked_at, now)
        if waiting:
            return [SimpleNamespace(id=batch.id, fresh=False) for batch in waiting]
        created = Batch(len(self._tables.batches) + 1, now)
        self._tables.batches.append(created)
        return [SimpleNamespace(id=created.id, fresh=True)]

    def _begin_batches(self, _: Parameters) -> Rows:
        begun = [batch for batch in self._tables.batches if batch.begun_at is None]
        for batch in begun:
            batch.begun_at = self._store.clock()
        return [SimpleNamespace(id=batch.id) for batch in begun]

    def _open_batches(self, _: Parameters) -> Rows:
        return [SimpleNamespace(id=batch.id) for batch in self._tables.batches if batch.ended_at is None]

    def _waiting_users(self, p: Parameters) -> Rows:
        cutoffs = [batch.asked_at for batch in self._tables.batches if batch.ended_at is None]
        rows, disabled = [], self._store.disabled
        for user in self._tables.thoughts_by_user if cutoffs else ():
            line = self._tables.line(user)
            due = [t for t in line if self._is_covered(t, max(cutoffs)) or "batch.cutoff" in disabled]
            if due and (user not in p["held"] or "batch.held" in disabled):
                rows.append(SimpleNamespace(id=due[-1].id, user_id=user, turn=due[-1].turn))
        return sorted(rows, key=lambda row: row.user_id)[: p["users"]]

    def _end_batches(self, _: Parameters) -> Rows:
        ended, disabled = [], self._store.disabled
        for batch in self._tables.batches:
            has_open = any(t.is_open and self._is_covered(t, batch.asked_at) for t in self._tables.thoughts.values())
            has_begun = batch.begun_at is not None or "batch.begun" in disabled
            if batch.ended_at is None and has_begun and (not has_open or "batch.end" in disabled):
                batch.ended_at = self._store.clock()
                ended.append(SimpleNamespace(id=batch.id))
        return ended

    def _is_covered(self, t: Thought, asked_at: float) -> bool:
        return t.created_at <= asked_at or t.created_at > self._store.clock()
