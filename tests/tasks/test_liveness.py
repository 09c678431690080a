"""Liveness: which samples show a worker without progress, and which do not."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.liveness import SAMPLE_SECONDS, STALL_TIMEOUT_SECONDS, Liveness, WorkerSample

SLOTS = 4
IDLE_TIMEOUT_SECONDS = 60.0
IDLE = WorkerSample(loop_iterations=0, received=0, running=0, waiting=0)
IDLE_PROBLEM = "slots are free, but none was received"
STALL_PROBLEM = "event loop has stalled"

Change = Callable[[WorkerSample, int], WorkerSample]


def looping(sample: WorkerSample, number: int) -> WorkerSample:
    """Return the sample of a worker whose event loop runs."""
    return replace(sample, loop_iterations=number)


def first_problem(seconds: float, change: Change, start: WorkerSample = IDLE, interval: float = SAMPLE_SECONDS) -> str:
    """Return the first problem of a worker with these samples within this time, or ""."""
    liveness = Liveness(SLOTS, IDLE_TIMEOUT_SECONDS, 0.0)
    for number in range(1, round(seconds / interval) + 2):
        if problem := liveness.problem(change(start, number), number * interval):
            return problem
    return ""


@pytest.mark.parametrize("running", range(SLOTS + 1))
def test_an_empty_queue_is_never_a_problem(running: int) -> None:
    assert first_problem(36_000, looping, replace(IDLE, running=running)) == ""


@pytest.mark.parametrize("running", range(SLOTS))
def test_waiting_messages_and_free_slots_without_received_messages_are_a_problem(running: int) -> None:
    start = replace(IDLE, waiting=3, running=running)
    assert first_problem(IDLE_TIMEOUT_SECONDS - SAMPLE_SECONDS, looping, start) == ""
    assert IDLE_PROBLEM in first_problem(IDLE_TIMEOUT_SECONDS + SAMPLE_SECONDS, looping, start)


def test_a_long_queue_without_free_slots_is_never_a_problem() -> None:
    assert first_problem(36_000, looping, replace(IDLE, waiting=10_000, running=SLOTS)) == ""


def test_an_occasionally_received_message_is_progress() -> None:
    def slowly(sample: WorkerSample, number: int) -> WorkerSample:
        return replace(looping(sample, number), received=number // 20)

    assert first_problem(3_600, slowly, replace(IDLE, waiting=50)) == ""


def test_an_uncountable_queue_is_never_a_problem() -> None:
    assert first_problem(36_000, looping, replace(IDLE, waiting=None)) == ""


def test_time_with_an_empty_queue_does_not_count_when_messages_arrive_later() -> None:
    def arriving_later(sample: WorkerSample, number: int) -> WorkerSample:
        return replace(looping(sample, number), waiting=1 if number * SAMPLE_SECONDS > 600 else 0)

    assert first_problem(600 + IDLE_TIMEOUT_SECONDS - 2 * SAMPLE_SECONDS, arriving_later) == ""


def test_a_stalled_loop_is_a_problem_with_an_empty_queue_and_with_full_slots() -> None:
    for start in (IDLE, replace(IDLE, running=SLOTS, waiting=9), replace(IDLE, waiting=None)):
        assert first_problem(STALL_TIMEOUT_SECONDS - SAMPLE_SECONDS, lambda sample, _: sample, start) == ""
        assert STALL_PROBLEM in first_problem(
            STALL_TIMEOUT_SECONDS + 2 * SAMPLE_SECONDS, lambda sample, _: sample, start
        )


def test_a_loop_that_is_connecting_to_its_broker_is_never_a_problem() -> None:
    assert first_problem(36_000, lambda sample, _: sample, replace(IDLE, waiting=5, connecting=True)) == ""


def test_a_worker_that_is_shutting_down_is_never_a_problem() -> None:
    assert first_problem(36_000, lambda sample, _: sample, replace(IDLE, waiting=5, shutting_down=True)) == ""


def test_time_in_which_the_process_was_suspended_does_not_count() -> None:
    liveness = Liveness(SLOTS, IDLE_TIMEOUT_SECONDS, 0.0)
    sample = replace(IDLE, waiting=3)
    assert liveness.problem(sample, SAMPLE_SECONDS) == ""
    assert liveness.problem(sample, 100_000.0) == ""
    assert liveness.problem(sample, 100_000.0 + SAMPLE_SECONDS) == ""


@given(st.lists(st.sampled_from(["received", "full", "empty", "unknown", "connecting", "nothing"]), max_size=200))
def test_only_an_uninterrupted_time_without_progress_is_a_problem(events: list[str]) -> None:
    liveness = Liveness(SLOTS, IDLE_TIMEOUT_SECONDS, 0.0)
    received = samples_without_progress = 0
    for number, event in enumerate(events, start=1):
        received += event == "received"
        sample = WorkerSample(
            loop_iterations=number,
            received=received,
            running=SLOTS if event == "full" else 1,
            waiting={"empty": 0, "unknown": None}.get(event, 7),
            connecting=event == "connecting",
        )
        samples_without_progress = samples_without_progress + 1 if event == "nothing" else 0
        problem = liveness.problem(sample, number * SAMPLE_SECONDS)
        assert not problem or samples_without_progress >= IDLE_TIMEOUT_SECONDS / SAMPLE_SECONDS
        if problem:
            return
