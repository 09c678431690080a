"""The calls in progress: who is renewed, who is cancelled, who is wedged. The clock is the test's."""

import logging
import threading
from uuid import UUID, uuid4

import pytest

from tasks.calls import STUCK_AFTER_RENEWALS, Call, Calls
from tests.eventually import eventually

LEASE_RENEW_SECONDS = 5.0


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Fence:
    """PostgreSQL's side of a renewal: what it was asked, and whom it does not know any more."""

    def __init__(self) -> None:
        self.asked: list[set[UUID]] = []
        self.gone: set[UUID] = set()
        self.locked: set[UUID] = set()
        self.faults: list[Exception] = []

    def __call__(self, calls: dict[UUID, UUID]) -> dict[UUID, bool]:
        self.asked.append(set(calls))
        if self.faults:
            raise self.faults.pop()
        return {call: call not in self.locked for call in calls if call not in self.gone}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fence() -> Fence:
    return Fence()


@pytest.fixture
def calls(fence: Fence, clock: Clock) -> Calls:
    """A registry whose own thread sleeps through the test."""
    return Calls(fence, 3600.0, clock)


def a_call(clock: Clock, deadline: float = 60.0) -> Call:
    return Call(uuid4(), uuid4(), claimed=clock.now, renewed=clock.now, deadline=clock.now + deadline)


def test_a_living_call_is_renewed_and_knows_when_that_was_asked(calls: Calls, fence: Fence, clock: Clock) -> None:
    call = a_call(clock)
    calls.add(call)
    clock.now += 5
    calls.renew_all()
    assert fence.asked == [{call.call_id}]
    assert (call.renewed, call.fenced, call.cancelled.is_set()) == (clock.now, False, False)


def test_the_sending_counts_and_not_the_answer(clock: Clock) -> None:
    def slow(calls: dict[UUID, UUID]) -> dict[UUID, bool]:
        clock.now += 4
        return dict.fromkeys(calls, True)

    calls, call = Calls(slow, 3600.0, clock), a_call(clock)
    calls.add(call)
    asked_at = clock.now
    calls.renew_all()
    calls.renew_now(call, slow)
    assert call.renewed == asked_at + 4


def test_all_calls_of_the_process_are_renewed_in_one_question(calls: Calls, fence: Fence, clock: Clock) -> None:
    ours = [a_call(clock) for _ in range(5)]
    for call in ours:
        calls.add(call)
    calls.renew_all()
    assert fence.asked == [{call.call_id for call in ours}]


def test_a_fenced_call_is_cancelled_alone_and_not_asked_for_again(calls: Calls, fence: Fence, clock: Clock) -> None:
    fenced, alive = a_call(clock), a_call(clock)
    calls.add(fenced)
    calls.add(alive)
    fence.gone = {fenced.call_id}
    calls.renew_all()
    calls.renew_all()
    assert (fenced.fenced, fenced.cancelled.is_set()) == (True, True)
    assert (alive.fenced, alive.cancelled.is_set()) == (False, False)
    assert fence.asked[1:] == [{alive.call_id}]


def test_an_overdue_call_is_cancelled_and_left_to_silence(calls: Calls, fence: Fence, clock: Clock) -> None:
    call = a_call(clock, deadline=60)
    calls.add(call)
    clock.now += 60
    calls.renew_all()
    assert (call.cancelled.is_set(), call.fenced) == (True, False)
    assert fence.asked == []


def test_an_overdue_call_is_cancelled_while_postgresql_is_away(calls: Calls, fence: Fence, clock: Clock) -> None:
    late, alive = a_call(clock, deadline=60), a_call(clock, deadline=900)
    calls.add(late)
    calls.add(alive)
    clock.now += 60
    fence.faults = [OSError("away")]
    with pytest.raises(OSError, match="away"):
        calls.renew_all()
    assert late.cancelled.is_set()


def test_a_call_that_holds_its_result_is_renewed_beyond_the_deadline(calls: Calls, fence: Fence, clock: Clock) -> None:
    call = a_call(clock, deadline=60)
    calls.add(call)
    call.has_result = True
    clock.now += 3600
    calls.renew_all()
    assert fence.asked == [{call.call_id}]
    assert not call.cancelled.is_set()
    assert calls.stuck() == []


def test_a_call_that_ignores_its_cancellation_for_long_is_wedged(fence: Fence, clock: Clock) -> None:
    calls, call = Calls(fence, LEASE_RENEW_SECONDS, clock), a_call(clock, deadline=60)
    calls.add(call)
    clock.now += 60 + STUCK_AFTER_RENEWALS * LEASE_RENEW_SECONDS - 0.1
    assert calls.stuck() == []
    clock.now += 0.1
    assert calls.stuck() == [call]
    calls.remove(call)
    assert calls.stuck() == []


def test_a_call_whose_row_is_locked_is_neither_fenced_nor_renewed(calls: Calls, fence: Fence, clock: Clock) -> None:
    call, sent = a_call(clock), clock.now
    calls.add(call)
    fence.locked.add(call.call_id)
    clock.now += 5
    calls.renew_all()
    assert (call.renewed, call.fenced) == (sent, False)
    assert not calls.renew_now(call, fence)
    fence.locked.clear()
    assert calls.renew_now(call, fence)
    assert call.renewed == clock.now


def test_an_ended_call_is_renewed_no_more(calls: Calls, fence: Fence, clock: Clock) -> None:
    call = a_call(clock)
    calls.add(call)
    calls.remove(call)
    calls.remove(call)
    calls.renew_all()
    assert fence.asked == []


def test_no_thread_is_started_before_the_first_call_and_only_one_after_it(fence: Fence, clock: Clock) -> None:
    before = threading.active_count()
    calls = Calls(fence, 3600.0, clock)
    assert threading.active_count() == before
    calls.add(a_call(clock))
    calls.add(a_call(clock))
    assert threading.active_count() == before + 1


def test_the_thread_survives_what_a_renewal_raises(fence: Fence, caplog: pytest.LogCaptureFixture) -> None:
    fence.faults = [RuntimeError("one"), MemoryError(), ValueError("three")]
    calls, clock = Calls(fence, 0.01), Clock()
    call = a_call(clock, deadline=1e9)
    with caplog.at_level(logging.WARNING):
        calls.add(call)
        eventually(lambda: len(fence.asked) > 4)
    calls.remove(call)
    assert len([line for line in caplog.messages if "could not be renewed" in line]) == 3


def test_a_thread_that_could_not_be_started_is_started_with_the_next_call(
    fence: Fence, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls(fence, 0.01, clock)

    def no_thread(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(RuntimeError):
            calls.add(a_call(clock))
    call = a_call(clock)
    calls.add(call)
    eventually(lambda: any(call.call_id in asked for asked in fence.asked))
    calls.remove(call)
