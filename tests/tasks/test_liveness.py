"""When a worker counts as one that makes no progress, and when it must not."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.liveness import SAMPLE_SECONDS, STALL_TIMEOUT_SECONDS, Liveness, WorkerSample

SLOTS = 4
DEAF_SECONDS = 60.0
IDLE = WorkerSample(loop_iterations=0, received=0, running=0, waiting=0)
DEAF = "slots are free, and none was received"
STILL = "stood still"

Change = Callable[[WorkerSample, int], WorkerSample]


def turning(look: WorkerSample, number: int) -> WorkerSample:
    """Celery's loop runs."""
    return replace(look, loop_iterations=number)


def watched(seconds: float, change: Change, start: WorkerSample = IDLE, every: float = SAMPLE_SECONDS) -> str:
    """The first trouble within so many seconds of a worker that looks like this."""
    health = Liveness(SLOTS, DEAF_SECONDS, 0.0)
    for number in range(1, round(seconds / every) + 2):
        if trouble := health.problem(change(start, number), number * every):
            return trouble
    return ""


@pytest.mark.parametrize("running", range(SLOTS + 1))
def test_an_empty_queue_is_no_trouble_however_long(running: int) -> None:
    assert watched(36_000, turning, replace(IDLE, running=running)) == ""


@pytest.mark.parametrize("running", range(SLOTS))
def test_messages_that_wait_beside_free_slots_and_are_not_received_are_trouble(running: int) -> None:
    start = replace(IDLE, waiting=3, running=running)
    assert watched(DEAF_SECONDS - SAMPLE_SECONDS, turning, start) == ""
    assert DEAF in watched(DEAF_SECONDS + SAMPLE_SECONDS, turning, start)


def test_a_long_queue_before_full_slots_is_no_trouble() -> None:
    assert watched(36_000, turning, replace(IDLE, waiting=10_000, running=SLOTS)) == ""


def test_one_message_received_now_and_then_is_progress() -> None:
    def slowly(look: WorkerSample, number: int) -> WorkerSample:
        return replace(turning(look, number), received=number // 20)

    assert watched(3_600, slowly, replace(IDLE, waiting=50)) == ""


def test_a_queue_that_nobody_can_count_is_no_trouble() -> None:
    assert watched(36_000, turning, replace(IDLE, waiting=None)) == ""


def test_silence_before_an_empty_queue_does_not_count_for_what_comes_into_it_later() -> None:
    def late(look: WorkerSample, number: int) -> WorkerSample:
        return replace(turning(look, number), waiting=1 if number * SAMPLE_SECONDS > 600 else 0)

    assert watched(600 + DEAF_SECONDS - 2 * SAMPLE_SECONDS, late) == ""


def test_a_loop_without_turns_is_trouble_also_when_nothing_waits_or_everything_runs() -> None:
    for start in (IDLE, replace(IDLE, running=SLOTS, waiting=9), replace(IDLE, waiting=None)):
        assert watched(STALL_TIMEOUT_SECONDS - SAMPLE_SECONDS, lambda look, _: look, start) == ""
        assert STILL in watched(STALL_TIMEOUT_SECONDS + 2 * SAMPLE_SECONDS, lambda look, _: look, start)


def test_a_loop_that_looks_for_its_broker_is_no_trouble_however_long() -> None:
    assert watched(36_000, lambda look, _: look, replace(IDLE, waiting=5, connecting=True)) == ""


def test_a_worker_that_was_told_to_end_is_left_to_its_calls() -> None:
    assert watched(36_000, lambda look, _: look, replace(IDLE, waiting=5, shutting_down=True)) == ""


def test_time_in_which_the_process_was_stopped_is_no_silence() -> None:
    health = Liveness(SLOTS, DEAF_SECONDS, 0.0)
    look = replace(IDLE, waiting=3)
    assert health.problem(look, SAMPLE_SECONDS) == ""
    assert health.problem(look, 100_000.0) == ""
    assert health.problem(look, 100_000.0 + SAMPLE_SECONDS) == ""


@given(st.lists(st.sampled_from(["received", "full", "empty", "unknown", "connecting", "nothing"]), max_size=200))
def test_whatever_happens_trouble_is_only_an_unbroken_silence(story: list[str]) -> None:
    health, received = Liveness(SLOTS, DEAF_SECONDS, 0.0), 0
    silent = 0
    for number, event in enumerate(story, start=1):
        received += event == "received"
        look = WorkerSample(
            loop_iterations=number,
            received=received,
            running=SLOTS if event == "full" else 1,
            waiting={"empty": 0, "unknown": None}.get(event, 7),
            connecting=event == "connecting",
        )
        silent = silent + 1 if event == "nothing" else 0
        trouble = health.problem(look, number * SAMPLE_SECONDS)
        assert not trouble or silent >= DEAF_SECONDS / SAMPLE_SECONDS
        if trouble:
            return
