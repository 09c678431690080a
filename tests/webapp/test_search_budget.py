"""The budget of searches: one for each user, and one for the process."""

from types import SimpleNamespace
from uuid import uuid4

import pytest

from webapp.search_budget import (
    PER_PROCESS_BURST,
    PER_PROCESS_SECONDS,
    PER_USER_BURST,
    PER_USER_SECONDS,
    SearchBudget,
)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in ("limits.storage.memory", "webapp.search_budget"):
        monkeypatch.setattr(f"{module}.time", SimpleNamespace(time=clock))
    return clock


def test_a_user_may_search_again_after_the_time_that_was_said(clock: Clock) -> None:
    budget, user = SearchBudget(), uuid4()
    for _ in range(PER_USER_BURST):
        assert budget.begin(user) == 0
        clock.now += 0.5
    wait = budget.begin(user)
    assert 0 < wait < PER_USER_SECONDS
    clock.now += wait + 0.01
    assert budget.begin(user) == 0
    assert budget.begin(user) > 0


def test_many_users_together_do_not_exceed_the_budget_of_the_process(clock: Clock) -> None:
    budget = SearchBudget()
    assert [budget.begin(uuid4()) for _ in range(PER_PROCESS_BURST)] == [0.0] * PER_PROCESS_BURST
    assert budget.begin(uuid4()) == PER_PROCESS_SECONDS
    clock.now += 1_000_000
    assert sum(budget.begin(uuid4()) == 0 for _ in range(2 * PER_PROCESS_BURST)) == PER_PROCESS_BURST


def test_a_search_that_must_wait_uses_nothing_up(clock: Clock) -> None:
    budget, user = SearchBudget(), uuid4()
    for _ in range(PER_USER_BURST):
        budget.begin(user)
    assert all(budget.begin(user) > 0 for _ in range(PER_PROCESS_BURST))
    assert budget.begin(uuid4()) == 0
