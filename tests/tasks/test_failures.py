"""Errors of a call, sorted; and how long the next call waits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import Cancelled, InvalidOutput, PermanentError, TransientError
from contracts.dead_letters import MAX_MESSAGE_LENGTH
from tasks.failures import (
    JITTER,
    MAX_BACKOFF_SECONDS,
    MAX_RETRY_AFTER_SECONDS,
    Failure,
    FailureKind,
    backoff_seconds,
    classify_error,
    timed_out,
    unstorable_result,
    worker_lost,
)

ANY = Failure("transient", "", "")


@pytest.mark.parametrize(
    ("error", "kind", "retriable"),
    [
        (TransientError("busy"), "transient", True),
        (InvalidOutput("no JSON"), "invalid", True),
        (PermanentError("no key"), "permanent", False),
        (Cancelled("for no reason"), "permanent", False),
        (TimeoutError(), "transient", True),
        (ConnectionResetError(), "transient", True),
        (MemoryError(), "transient", True),
        (SystemExit(3), "permanent", False),
        (KeyboardInterrupt(), "permanent", False),
        (ValueError("a bug"), "permanent", False),
        (RecursionError(), "permanent", False),
        (OSError("disk"), "permanent", False),
    ],
)
def test_every_error_is_sorted(error: BaseException, kind: FailureKind, retriable: bool) -> None:
    failure = classify_error(error)
    assert (failure.kind, failure.retriable) == (kind, retriable)
    assert failure.error_class == f"{type(error).__module__}.{type(error).__qualname__}"
    assert type(error).__name__ in failure.stack


def test_what_an_agent_says_is_shown_and_what_a_bug_says_is_not() -> None:
    assert classify_error(PermanentError("the key was refused")).message == "the key was refused"
    assert "secret" not in classify_error(ValueError("secret")).message


def test_a_message_is_cleaned_and_cut_for_everybody_who_is_told() -> None:
    failure = classify_error(PermanentError("a\x00\ud800" + "x" * 100_000))
    assert failure.message.startswith("a\ufffd\ufffdx")
    assert len(failure.message) == MAX_MESSAGE_LENGTH


def test_the_stack_names_the_place_of_the_error() -> None:
    with pytest.raises(PermanentError) as raised:
        raise PermanentError("here") from KeyError("the cause")
    stack = classify_error(raised.value).stack
    assert "test_failures.py" in stack
    assert "the cause" in stack


def test_the_failures_that_are_no_exceptions() -> None:
    assert (timed_out(60).kind, timed_out(60).retriable) == ("transient", True)
    assert timed_out(60).message == "The agent did not answer within 60 s."
    assert (worker_lost(4).kind, worker_lost(4).retriable) == ("lost", False)
    assert (unstorable_result(ValueError()).kind, unstorable_result(ValueError()).retriable) == ("invalid", False)


def test_a_failure_as_people_and_as_dead_letters_see_it() -> None:
    failure = Failure("invalid", "no JSON", "a.Class", "a stack")
    assert failure.error("analysis", 4) == {
        "agent": "analysis",
        "kind": "invalid",
        "message": "no JSON",
        "attempts": 4,
    }
    assert failure.headers("analysis", 4) == {
        "reason": "invalid",
        "error_class": "a.Class",
        "message": "no JSON",
        "stack": "a stack",
        "agent": "analysis",
        "attempts": 4,
    }


@given(attempts=st.integers(1, 200), base=st.floats(0.001, 100), chance=st.floats(0, 1, exclude_max=True))
def test_the_wait_doubles_with_each_attempt_and_has_an_end(attempts: int, base: float, chance: float) -> None:
    wait = backoff_seconds(ANY, attempts, base, lambda: chance)
    least = min(MAX_BACKOFF_SECONDS, base * 2.0 ** (attempts - 1))
    assert least <= wait <= min(MAX_BACKOFF_SECONDS, least * (1 + JITTER))


@pytest.mark.parametrize(("asked", "waits"), [(0.0, 1.0), (7.5, 7.5), (300.0, 300.0), (1e6, MAX_RETRY_AFTER_SECONDS)])
def test_retry_after_is_honoured_when_it_is_longer_and_cut_where_it_is_hours(asked: float, waits: float) -> None:
    failure = classify_error(TransientError("busy", retry_after=asked))
    assert backoff_seconds(failure, 1, 1.0, lambda: 0.0) == waits


@pytest.mark.parametrize("nonsense", [float("nan"), float("inf"), -5.0])
def test_a_retry_after_that_makes_no_sense_is_no_wait_without_end(nonsense: float) -> None:
    failure = classify_error(TransientError("busy", retry_after=nonsense))
    assert 1.0 <= backoff_seconds(failure, 1, 1.0, lambda: 0.0) <= MAX_BACKOFF_SECONDS


def test_two_that_failed_together_do_not_come_back_together() -> None:
    assert len({backoff_seconds(ANY, 1, 1.0) for _ in range(50)}) > 1
