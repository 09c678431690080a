"""A lane whose requests are answered as PostgreSQL would, for tests of how many heads begin, and when."""

from uuid import UUID

from bridge.consumer.lane import Lane
from bridge.consumer.protocol import DecideRequest
from bridge.consumer.window import Window
from tests.bridge.lane_examples import make_decision, make_head, make_record

LEASE_SECONDS = 20.0


class Walk:
    """Nothing finishes unless a test says so."""

    def __init__(self, limit: int, window: Window | None = None) -> None:
        self.lane = Lane(0, LEASE_SECONDS, window)
        self.lane.set_limit(limit)
        self.now = 0.0
        self.begun: list[int] = []
        """Users in the order in which their heads began."""
        self.records: dict[int, list[int]] = {}
        self.next_offset = 0
        self.in_flight: set[int] = set()

    def add(self, *users: int) -> None:
        for user in users:
            self.lane.add_record(make_record(self.next_offset, UUID(int=user)))
            self.records.setdefault(user, []).append(self.next_offset)
            self.next_offset += 1

    def run(self, rounds: int = 3) -> None:
        """Answer what is due, as often as a change may cause another request."""
        for _ in range(rounds):
            for request in self.lane.due_requests(self.now):
                self.answer(request)
            for head in self.lane.heads_to_dispatch():
                self.lane.dispatched(head, self.now)

    def answer(self, request: DecideRequest, **columns: object) -> None:
        user = request.user_id.int
        open_offsets = self.records[user]
        verdicts = {
            f"o{record.offset}": "open" if record.offset in open_offsets else "done" for record in request.records
        }
        if not open_offsets:
            self.lane.decided(make_decision(request.user_id, None, **verdicts), self.now)  # type: ignore[arg-type]
            return
        begins = user not in self.in_flight and request.may_begin
        if begins:
            self.in_flight.add(user)
            self.begun.append(user)
        is_pending = user not in self.in_flight
        head = make_head(
            request.user_id,
            thought_id=UUID(int=1000 + open_offsets[0]),
            needs_dispatch=begins,
            begins=begins,
            pending=is_pending,
            **columns,
        )
        self.lane.decided(make_decision(request.user_id, head, **verdicts), self.now)  # type: ignore[arg-type]

    def finish(self, user: int) -> None:
        """Let the user's thought end, as a worker does, which also wakes the lane."""
        self.in_flight.remove(user)
        self.records[user].pop(0)
        self.lane.wake(UUID(int=user), self.now)
