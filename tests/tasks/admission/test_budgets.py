"""The limits of requests, tokens and dollars hold across workers, and each says until when it is used up."""

import socket
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import redis

from contracts.settings import Settings
from tasks.admission.budgets import Budgets

MODEL, USER = "openai:a-model", "a-user"
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def make_budgets(settings: Settings, at: datetime | None = None, url: str = "", **limits: float) -> Budgets:
    changed = settings.model_copy(update=limits)
    clock = (lambda: at.timestamp()) if at else None
    prefix = settings.redis_prefix
    return Budgets(changed, url or settings.redis_url, prefix, *([clock] if clock else []))


def test_without_limits_every_call_may_begin(settings: Settings) -> None:
    budgets = make_budgets(settings)
    budgets.count(MODEL, USER, tokens=10**9, cost_usd=Decimal(10**6))
    assert [budgets.begin(MODEL, USER) for _ in range(50)] == [None] * 50


def test_requests_per_minute_are_counted_across_workers_and_for_each_model(settings: Settings) -> None:
    first, second = (make_budgets(settings, ai_requests_per_minute=3) for _ in range(2))
    assert [first.begin(MODEL, USER), second.begin(MODEL, USER), first.begin(MODEL, USER)] == [None] * 3
    used_up = second.begin(MODEL, USER)
    assert used_up is not None
    assert used_up.limit == "requests per minute"
    assert 0 < used_up.until - datetime.now(UTC).timestamp() <= 60
    assert second.begin("openai:another", USER) is None


def test_tokens_per_minute_stop_the_next_call(settings: Settings) -> None:
    budgets = make_budgets(settings, ai_tokens_per_minute=1000)
    budgets.count(MODEL, USER, tokens=999, cost_usd=None)
    assert budgets.used_up(MODEL) is None
    budgets.count(MODEL, USER, tokens=5, cost_usd=None)
    used_up = budgets.used_up(MODEL)
    assert used_up is not None
    assert used_up.limit == "tokens per minute"


def test_the_budget_of_everybody_stops_all_and_that_of_a_user_only_this_user(settings: Settings) -> None:
    budgets = make_budgets(settings, ai_usd_per_day=1.0, ai_usd_per_day_per_user=0.5)
    budgets.count(MODEL, USER, tokens=None, cost_usd=Decimal("0.500001"))
    assert budgets.used_up(MODEL) is None
    assert budgets.begin(MODEL, USER) is not None
    assert budgets.begin(MODEL, "another") is None
    budgets.count(MODEL, "another", tokens=None, cost_usd=Decimal("0.5"))
    used_up = budgets.used_up(MODEL)
    assert used_up is not None
    assert used_up.limit == "budget of the day"


def test_an_unknown_price_uses_nothing_of_a_budget(settings: Settings) -> None:
    budgets = make_budgets(settings, ai_usd_per_day=0.01)
    budgets.count(MODEL, USER, tokens=100, cost_usd=None)
    assert budgets.used_up(MODEL) is None


@pytest.mark.parametrize("hours", [1, 23])
def test_a_budget_of_the_day_ends_at_midnight_in_utc(settings: Settings, hours: int) -> None:
    noon = datetime(2026, 11, 29, tzinfo=UTC) + timedelta(hours=hours)
    budgets = make_budgets(settings, noon, ai_usd_per_day=0.01)
    budgets.count(MODEL, USER, tokens=None, cost_usd=Decimal(1))
    used_up = budgets.used_up(MODEL)
    assert used_up is not None
    assert used_up.until == datetime(2026, 11, 30, tzinfo=UTC).timestamp()
    next_day = make_budgets(settings, datetime(2026, 11, 30, 0, 0, 1, tzinfo=UTC), ai_usd_per_day=0.01)
    assert next_day.used_up(MODEL) is None


def test_while_redis_is_unavailable_each_process_counts_its_own_calls(settings: Settings) -> None:
    budgets = make_budgets(settings, url="redis://127.0.0.1:1/0", ai_requests_per_minute=2)
    assert [budgets.begin(MODEL, USER), budgets.begin(MODEL, USER)] == [None, None]
    assert budgets.begin(MODEL, USER) is not None


def test_while_a_counter_is_no_number_each_process_counts_its_own_calls(
    settings: Settings, redis_client: redis.Redis
) -> None:
    make_budgets(settings, ai_requests_per_minute=2).begin(MODEL, USER)
    [key] = redis_client.keys("*:limits*")
    redis_client.set(key, "junk")
    budgets = make_budgets(settings, ai_requests_per_minute=2)
    assert budgets.used_up(MODEL) is None
    assert [budgets.begin(MODEL, USER), budgets.begin(MODEL, USER)] == [None, None]
    assert budgets.begin(MODEL, USER) is not None


def test_while_redis_hangs_only_one_question_waits_for_it(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        budgets = make_budgets(settings, NOW, url, ai_requests_per_minute=9, ai_usd_per_day=9, ai_tokens_per_minute=9)
        budgets.used_up(MODEL)
        budgets.begin(MODEL, USER)
        budgets.count(MODEL, USER, tokens=1, cost_usd=Decimal(1))
        server.setblocking(False)
        server.accept()[0].close()
        with pytest.raises(BlockingIOError):
            server.accept()
