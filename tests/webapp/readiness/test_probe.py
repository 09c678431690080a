"""A probe checks in the background, once at a time, and never lets a caller wait for a hanging dependency twice."""

import threading

import pytest

from tests.eventually import eventually
from webapp.readiness import probe as probe_module
from webapp.readiness.probe import CheckError, Outcome, Probe


class Dependency:
    """A check that counts its calls, and waits while it hangs."""

    def __init__(self) -> None:
        self.calls = 0
        self.problem = ""
        self.answers = threading.Event()
        self.answers.set()

    def check(self) -> int:
        self.calls += 1
        self.answers.wait()
        if self.problem:
            raise CheckError(self.problem)
        return self.calls


@pytest.fixture
def dependency() -> Dependency:
    return Dependency()


def test_many_callers_share_one_check(dependency: Dependency) -> None:
    probe = Probe("It", dependency.check)
    dependency.answers.clear()
    outcomes: list[Outcome[int]] = []
    threads = [threading.Thread(target=lambda: outcomes.append(probe.outcome())) for _ in range(20)]
    for thread in threads:
        thread.start()
    dependency.answers.set()
    for thread in threads:
        thread.join()
    assert dependency.calls == 1
    assert [outcome.value for outcome in outcomes] == [1] * 20


def test_a_hanging_check_counts_as_a_failure_and_is_not_started_again(
    dependency: Dependency, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe_module, "TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(probe_module, "MAX_AGE_SECONDS", float("inf"))
    monkeypatch.setattr(probe_module, "INTERVAL_SECONDS", 0.0)
    probe = Probe("It", dependency.check)
    assert probe.outcome().ok
    dependency.answers.clear()
    eventually(lambda: not probe.outcome().ok)
    assert probe.outcome().problem == "It does not answer within 0.1 s."
    assert dependency.calls == 2
    dependency.answers.set()
    eventually(lambda: probe.outcome().ok)


def test_a_failure_and_the_recovery_are_logged_once_each(
    dependency: Dependency, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(probe_module, "INTERVAL_SECONDS", 0.0)
    probe = Probe("It", dependency.check)
    assert probe.outcome().ok
    dependency.problem = "It is read-only."
    eventually(lambda: not probe.outcome().ok)
    eventually(lambda: probe.outcome() and dependency.calls > 5)
    dependency.problem = ""
    eventually(lambda: probe.outcome().ok)
    assert [record.getMessage() for record in caplog.records] == ["It is read-only.", "It works again."]


def test_an_unexpected_error_is_a_failure_and_later_checks_follow(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(probe_module, "INTERVAL_SECONDS", 0.0)
    errors = iter([ZeroDivisionError("a fault of the check")])

    def check() -> str:
        for error in errors:
            raise error
        return "fine"

    probe = Probe("It", check)
    assert probe.outcome().problem == "It cannot be checked."
    assert "failed unexpectedly" in caplog.text
    eventually(lambda: probe.outcome().value == "fine")
