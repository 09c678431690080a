"""What goes wrong in a world: deaths, stops, forgetting, locks, clocks and outages."""

from tests.bridge.protocol_world import PARTITIONS, USERS, World


class FaultyWorld(World):
    """A world in which anything may happen to anybody, until `settle`."""

    def fault(self) -> None:
        self.draw.choice(
            [
                self._bridge_dies,
                self._partition_gets_a_second_owner,
                self._owner_leaves,
                self._worker_dies,
                self._worker_is_stopped,
                self._worker_goes_on,
                self._redis_forgets,
                self._postgres_comes_or_goes,
                self._clock_jumps,
                self._news,
                self._head_is_locked,
                self._replay,
                self._sweep,
            ]
        )()

    def _bridge_dies(self) -> None:
        number = self.draw.randrange(len(self.owners))
        self.owners[number] = self._owner(self.owners[number].partition)

    def _partition_gets_a_second_owner(self) -> None:
        if len(self.owners) < 4:
            self.owners.append(self._owner(self.draw.randrange(PARTITIONS)))

    def _owner_leaves(self) -> None:
        owner = self.draw.choice(self.owners)
        if sum(one.partition == owner.partition for one in self.owners) > 1:
            self._commit(owner)
            self.owners.remove(owner)

    def _worker_dies(self) -> None:
        if self.calls:
            call = self.draw.choice(self.calls)
            self.silenced.add(call.id)
            self.calls.remove(call)

    def _worker_is_stopped(self) -> None:
        if self.calls:
            call = self.draw.choice(self.calls)
            self.silenced.add(call.id)
            call.stopped = True

    def _worker_goes_on(self) -> None:
        for call in self.calls:
            call.stopped = False

    def _redis_forgets(self) -> None:
        self.messages.clear()

    def _postgres_comes_or_goes(self) -> None:
        self.postgres_is_away = not self.postgres_is_away

    def _clock_jumps(self) -> None:
        self.clock_step += self.draw.uniform(-300.0, 300.0)

    def _news(self) -> None:
        for owner in self.owners:
            owner.lane.hint(self.draw.choice(USERS), self.now)

    def _head_is_locked(self) -> None:
        self.ledger.locked = {row.id for user in USERS[:1] for row in self.ledger.line(user)[:1]} - self.ledger.locked

    def _replay(self) -> None:
        failed = [row for row in self.ledger.rows.values() if row.status == "failed"]
        if failed:
            row = self.draw.choice(failed)
            self._emit(self.ledger.rows[row.id], self.ledger.replay(row.id))
