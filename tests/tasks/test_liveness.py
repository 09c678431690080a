"""When a worker counts as one that makes no progress, and when it must not."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.liveness import LOOK_SECONDS, STILL_SECONDS, Health, Look

SLOTS = 4
DEAF_SECONDS = 60.0
IDLE = Look(turns=0, received=0, running=0, waiting=0)
DEAF = "slots are free, and none was received"
STILL = "stood still"

Change = Callable[[Look, int], Look]


def turning(look: Look, number: int) -> Look:
    """Celery's loop runs."""
    return replace(look, turns=number)


def watched(seconds: float, change: Change, start: Look = IDLE, every: float = LOOK_SECONDS) -> str:
    """The first trouble within so many seconds of a worker that looks like this."""
    health = Health(SLOTS, DEAF_SECONDS, 0.0)
    for number in range(1, round(seconds / every) + 2):
        if trouble := health.trouble(change(start, number), number * every):
            return trouble
    return ""


@pytest.mark.parametrize("running", range(SLOTS + 1))
def test_an_empty_queue_is_no_trouble_however_long(running: int) -> None:
    assert watched(36_000, turning, replace(IDLE, running=running)) == ""


@pytest.mark.parametrize("running", range(SLOTS))
def test_messages_that_wait_beside_free_slots_and_are_not_received_are_trouble(running: int) -> None:
    start = replace(IDLE, waiting=3, running=running)
    assert watched(DEAF_SECONDS - LOOK_SECONDS, turning, start) == ""
    assert DEAF in watched(DEAF_SECONDS + LOOK_SECONDS, turning, start)


def test_a_long_queue_before_full_slots_is_no_trouble() -> None:
    assert watched(36_000, turning, replace(IDLE, waiting=10_000, running=SLOTS)) == ""


def test_one_message_received_now_and_then_is_progress() -> None:
    def slowly(look: Look, number: int) -> Look:
        return replace(turning(look, number), received=number // 20)

    assert watched(3_600, slowly, replace(IDLE, waiting=50)) == ""


def test_a_queue_that_nobody_can_count_is_no_trouble() -> None:
    assert watched(36_000, turning, replace(IDLE, waiting=None)) == ""


def test_silence_before_an_empty_queue_does_not_count_for_what_comes_into_it_later() -> None:
    def late(look: Look, number: int) -> Look:
        return replace(turning(look, number), waiting=1 if number * LOOK_SECONDS > 600 else 0)

    assert watched(600 + DEAF_SECONDS - 2 * LOOK_SECONDS, late) == ""


def test_a_loop_without_turns_is_trouble_also_when_nothing_waits_or_everything_runs() -> None:
    for start in (IDLE, replace(IDLE, running=SLOTS, waiting=9), replace(IDLE, waiting=None)):
        assert watched(STILL_SECONDS - LOOK_SECONDS, lambda look, _: look, start) == ""
        assert STILL in watched(STILL_SECONDS + 2 * LOOK_SECONDS, lambda look, _: look, start)


def test_a_loop_that_looks_for_its_broker_is_no_trouble_however_long() -> None:
    assert watched(36_000, lambda look, _: look, replace(IDLE, waiting=5, connecting=True)) == ""


def test_a_worker_that_was_told_to_end_is_left_to_its_calls() -> None:
    assert watched(36_000, lambda look, _: look, replace(IDLE, waiting=5, ending=True)) == ""


def test_time_in_which_the_process_was_stopped_is_no_silence() -> None:
    health = Health(SLOTS, DEAF_SECONDS, 0.0)
    look = replace(IDLE, waiting=3)
    assert health.trouble(look, LOOK_SECONDS) == ""
    assert health.trouble(look, 100_000.0) == ""
    assert health.trouble(look, 100_000.0 + LOOK_SECONDS) == ""


@given(st.lists(st.sampled_from(["received", "full", "empty", "unknown", "connecting", "nothing"]), max_size=200))
def test_whatever_happens_trouble_is_only_an_unbroken_silence(story: list[str]) -> None:
    health, received = Health(SLOTS, DEAF_SECONDS, 0.0), 0
    silent = 0
    for number, event in enumerate(story, start=1):
        received += event == "received"
        look = Look(
            turns=number,
            received=received,
            running=SLOTS if event == "full" else 1,
            waiting={"empty": 0, "unknown": None}.get(event, 7),
            connecting=event == "connecting",
        )
        silent = silent + 1 if event == "nothing" else 0
        trouble = health.trouble(look, number * LOOK_SECONDS)
        assert not trouble or silent >= DEAF_SECONDS / LOOK_SECONDS
        if trouble:
            return
