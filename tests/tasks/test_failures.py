"""Classifies the errors of a call, and computes how long the next call waits."""

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

TRANSIENT = Failure("transient", "", "")


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
def test_every_error_has_a_kind(error: BaseException, kind: FailureKind, retriable: bool) -> None:
    failure = classify_error(error)
    assert (failure.kind, failure.retriable) == (kind, retriable)
    assert failure.error_class == f"{type(error).__module__}.{type(error).__qualname__}"
    assert type(error).__name__ in failure.stack


def test_the_message_of_an_agent_error_is_shown_and_that_of_a_bug_is_not() -> None:
    assert classify_error(PermanentError("the key was refused")).message == "the key was refused"
    assert "secret" not in classify_error(ValueError("secret")).message


def test_a_message_is_cleaned_and_cut() -> None:
    failure = classify_error(PermanentError("a\x00\ud800" + "x" * 100_000))
    assert failure.message.startswith("a\ufffd\ufffdx")
    assert len(failure.message) == MAX_MESSAGE_LENGTH


def test_the_stack_contains_the_location_and_the_cause() -> None:
    with pytest.raises(PermanentError) as raised:
        raise PermanentError("here") from KeyError("the cause")
    stack = classify_error(raised.value).stack
    assert "test_failures.py" in stack
    assert "the cause" in stack


def test_failures_without_an_exception_have_a_kind_and_a_message() -> None:
    assert (timed_out(60).kind, timed_out(60).retriable) == ("transient", True)
    assert timed_out(60).message == "The agent did not answer within 60 s."
    assert (worker_lost(4).kind, worker_lost(4).retriable) == ("lost", False)
    assert (unstorable_result(ValueError()).kind, unstorable_result(ValueError()).retriable) == ("invalid", False)


def test_a_failure_becomes_the_json_error_and_the_dead_letter_headers() -> None:
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


@given(attempts=st.integers(1, 200), base=st.floats(0.001, 100), fraction=st.floats(0, 1, exclude_max=True))
def test_the_backoff_doubles_with_each_attempt_up_to_its_maximum(attempts: int, base: float, fraction: float) -> None:
    backoff = backoff_seconds(TRANSIENT, attempts, base, lambda: fraction)
    shortest = min(MAX_BACKOFF_SECONDS, base * 2.0 ** (attempts - 1))
    assert shortest <= backoff <= min(MAX_BACKOFF_SECONDS, shortest * (1 + JITTER))


@pytest.mark.parametrize(
    ("retry_after", "backoff"), [(0.0, 1.0), (7.5, 7.5), (300.0, 300.0), (1e6, MAX_RETRY_AFTER_SECONDS)]
)
def test_a_longer_retry_after_is_honoured_up_to_its_maximum(retry_after: float, backoff: float) -> None:
    failure = classify_error(TransientError("busy", retry_after=retry_after))
    assert backoff_seconds(failure, 1, 1.0, lambda: 0.0) == backoff


@pytest.mark.parametrize("retry_after", [float("nan"), float("inf"), -5.0])
def test_an_invalid_retry_after_is_ignored(retry_after: float) -> None:
    failure = classify_error(TransientError("busy", retry_after=retry_after))
    assert 1.0 <= backoff_seconds(failure, 1, 1.0, lambda: 0.0) <= MAX_BACKOFF_SECONDS


def test_calls_that_failed_at_the_same_time_retry_at_different_times() -> None:
    assert len({backoff_seconds(TRANSIENT, 1, 1.0) for _ in range(50)}) > 1
