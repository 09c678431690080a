"""Calls: which calls are renewed, cancelled and stuck. The test sets the clock."""

import logging
import threading
from uuid import UUID, uuid4

import pytest

from tasks.calls import STUCK_AFTER_RENEWALS, Call, Calls
from tests.eventually import eventually

LEASE_RENEW_SECONDS = 5.0


class Clock:
    """A clock that moves only when the test sets it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class FakeRenew:
    """Stands in for the RENEW statement, and records which calls were renewed."""

    def __init__(self) -> None:
        self.requests: list[set[UUID]] = []
        self.fenced: set[UUID] = set()
        self.locked: set[UUID] = set()
        self.errors: list[Exception] = []

    def __call__(self, calls: dict[UUID, UUID]) -> dict[UUID, bool]:
        self.requests.append(set(calls))
        if self.errors:
            raise self.errors.pop()
        return {call: call not in self.locked for call in calls if call not in self.fenced}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def renew() -> FakeRenew:
    return FakeRenew()


@pytest.fixture
def calls(renew: FakeRenew, clock: Clock) -> Calls:
    """A registry whose own thread sleeps during the whole test."""
    return Calls(renew, 3600.0, clock)


def make_call(clock: Clock, deadline: float = 60.0) -> Call:
    return Call(uuid4(), uuid4(), claimed_at=clock.now, renewed_at=clock.now, deadline=clock.now + deadline)


def test_a_renewal_records_when_it_was_sent(calls: Calls, renew: FakeRenew, clock: Clock) -> None:
    call = make_call(clock)
    calls.add(call)
    clock.now += 5
    calls.renew_all()
    assert renew.requests == [{call.call_id}]
    assert (call.renewed_at, call.fenced, call.cancelled.is_set()) == (clock.now, False, False)


def test_the_age_of_a_beat_counts_from_sending_the_renewal(clock: Clock) -> None:
    def renew_slowly(calls: dict[UUID, UUID]) -> dict[UUID, bool]:
        clock.now += 4
        return dict.fromkeys(calls, True)

    calls, call = Calls(renew_slowly, 3600.0, clock), make_call(clock)
    calls.add(call)
    sent_at = clock.now
    calls.renew_all()
    calls.renew_now(call, renew_slowly)
    assert call.renewed_at == sent_at + 4


def test_all_calls_of_the_process_are_renewed_in_one_statement(calls: Calls, renew: FakeRenew, clock: Clock) -> None:
    added = [make_call(clock) for _ in range(5)]
    for call in added:
        calls.add(call)
    calls.renew_all()
    assert renew.requests == [{call.call_id for call in added}]


def test_only_the_fenced_call_is_cancelled_and_it_is_not_renewed_again(
    calls: Calls, renew: FakeRenew, clock: Clock
) -> None:
    fenced, alive = make_call(clock), make_call(clock)
    calls.add(fenced)
    calls.add(alive)
    renew.fenced = {fenced.call_id}
    calls.renew_all()
    calls.renew_all()
    assert (fenced.fenced, fenced.cancelled.is_set()) == (True, True)
    assert (alive.fenced, alive.cancelled.is_set()) == (False, False)
    assert renew.requests[1:] == [{alive.call_id}]


def test_an_overdue_call_is_cancelled_and_no_longer_renewed(calls: Calls, renew: FakeRenew, clock: Clock) -> None:
    call = make_call(clock, deadline=60)
    calls.add(call)
    clock.now += 60
    calls.renew_all()
    assert (call.cancelled.is_set(), call.fenced) == (True, False)
    assert renew.requests == []


def test_an_overdue_call_is_cancelled_while_postgresql_is_unavailable(
    calls: Calls, renew: FakeRenew, clock: Clock
) -> None:
    overdue, alive = make_call(clock, deadline=60), make_call(clock, deadline=900)
    calls.add(overdue)
    calls.add(alive)
    clock.now += 60
    renew.errors = [OSError("unavailable")]
    with pytest.raises(OSError, match="unavailable"):
        calls.renew_all()
    assert overdue.cancelled.is_set()


def test_a_call_with_a_result_is_renewed_beyond_its_deadline(calls: Calls, renew: FakeRenew, clock: Clock) -> None:
    call = make_call(clock, deadline=60)
    calls.add(call)
    call.has_returned = True
    clock.now += 3600
    calls.renew_all()
    assert renew.requests == [{call.call_id}]
    assert not call.cancelled.is_set()
    assert calls.stuck() == []


def test_a_call_that_keeps_ignoring_its_cancellation_is_stuck(renew: FakeRenew, clock: Clock) -> None:
    calls, call = Calls(renew, LEASE_RENEW_SECONDS, clock), make_call(clock, deadline=60)
    calls.add(call)
    clock.now += 60 + STUCK_AFTER_RENEWALS * LEASE_RENEW_SECONDS - 0.1
    assert calls.stuck() == []
    clock.now += 0.1
    assert calls.stuck() == [call]
    calls.remove(call)
    assert calls.stuck() == []


def test_a_call_with_a_locked_row_is_neither_fenced_nor_renewed(calls: Calls, renew: FakeRenew, clock: Clock) -> None:
    call, claimed_at = make_call(clock), clock.now
    calls.add(call)
    renew.locked.add(call.call_id)
    clock.now += 5
    calls.renew_all()
    assert (call.renewed_at, call.fenced) == (claimed_at, False)
    assert not calls.renew_now(call, renew)
    renew.locked.clear()
    assert calls.renew_now(call, renew)
    assert call.renewed_at == clock.now


def test_a_removed_call_is_not_renewed(calls: Calls, renew: FakeRenew, clock: Clock) -> None:
    call = make_call(clock)
    calls.add(call)
    calls.remove(call)
    calls.remove(call)
    calls.renew_all()
    assert renew.requests == []


def test_the_first_call_starts_the_only_renewal_thread(renew: FakeRenew, clock: Clock) -> None:
    before = threading.active_count()
    calls = Calls(renew, 3600.0, clock)
    assert threading.active_count() == before
    calls.add(make_call(clock))
    calls.add(make_call(clock))
    assert threading.active_count() == before + 1


def test_the_renewal_thread_survives_errors(renew: FakeRenew, caplog: pytest.LogCaptureFixture) -> None:
    renew.errors = [RuntimeError("one"), MemoryError(), ValueError("three")]
    calls, clock = Calls(renew, 0.01), Clock()
    call = make_call(clock, deadline=1e9)
    with caplog.at_level(logging.WARNING):
        calls.add(call)
        eventually(lambda: len(renew.requests) > 4)
    calls.remove(call)
    assert len([line for line in caplog.messages if "could not be renewed" in line]) == 3


def test_the_next_call_starts_the_thread_that_could_not_be_started(
    renew: FakeRenew, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls(renew, 0.01, clock)

    def fail_to_start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail_to_start)
        with pytest.raises(RuntimeError):
            calls.add(make_call(clock))
    call = make_call(clock)
    calls.add(call)
    eventually(lambda: any(call.call_id in request for request in renew.requests))
    calls.remove(call)
