"""The budget of searches: one for each user, and one for the process."""

from uuid import uuid4

from webapp.search_budget import MAX_USERS, PER_PROCESS_BURST, PER_PROCESS_SECONDS, PER_USER_BURST, SearchBudget


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_user_may_search_again_after_the_time_that_was_said() -> None:
    clock, user = Clock(), uuid4()
    budget = SearchBudget(clock)
    assert [budget.begin(user) for _ in range(PER_USER_BURST)] == [0.0] * PER_USER_BURST
    wait = budget.begin(user)
    assert wait > 0
    clock.now += wait
    assert budget.begin(user) == 0
    assert budget.begin(user) > 0


def test_many_users_together_do_not_exceed_the_budget_of_the_process() -> None:
    clock = Clock()
    budget = SearchBudget(clock)
    assert [budget.begin(uuid4()) for _ in range(PER_PROCESS_BURST)] == [0.0] * PER_PROCESS_BURST
    assert budget.begin(uuid4()) == PER_PROCESS_SECONDS
    clock.now += 1_000_000
    assert sum(budget.begin(uuid4()) == 0 for _ in range(2 * PER_PROCESS_BURST)) == PER_PROCESS_BURST


def test_the_number_of_counted_users_is_bounded() -> None:
    budget = SearchBudget(Clock())
    for _ in range(MAX_USERS + 50):
        budget.begin(uuid4())
    assert len(budget._users) == MAX_USERS
