"""Limits requests and tokens per minute of a model, and dollars per day, with the library `limits`.

The counters are in Redis, shared by all workers; while it is unavailable, each process counts its own calls. A request
is counted before the call, tokens and dollars after it, when they are known: those limits may be exceeded by the calls
that are in progress together.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, TypeVar

import redis
from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter

from contracts.model_settings import ModelSettings
from contracts.refusals import Trouble, redis_trouble
from contracts.trouble_log import log_trouble

log = logging.getLogger(__name__)

T = TypeVar("T")

MICRO_DOLLARS: Final = 1_000_000
"""`limits` counts whole numbers: millionths of a dollar."""

EVERYBODY: Final = "everybody"

INVALID_COUNTER: Final = Trouble(
    "A counter in Redis is no number", "look at the keys with `:limits`, and delete that one"
)

OWN_SECONDS: Final = 2.0
"""How long this process counts alone after Redis did not answer, so that not every question waits for a time-out."""


@dataclass(frozen=True, slots=True)
class UsedUp:
    """A limit that is used up, and when it allows calls again, in seconds since the epoch."""

    limit: str
    until: float


class Budgets:
    """The limits of the settings. Thread-safe. Connects to Redis at the first call; `clock` is the time of day."""

    def __init__(
        self, settings: ModelSettings, redis_url: str, prefix: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self._requests = _per_minute(settings.ai_requests_per_minute)
        self._tokens = _per_minute(settings.ai_tokens_per_minute)
        self._dollars = _per_day(settings.ai_usd_per_day)
        self._user_dollars = _per_day(settings.ai_usd_per_day_per_user)
        storage = RedisStorage(redis_url, key_prefix=f"{prefix}:limits", socket_timeout=3, socket_connect_timeout=2)
        self._shared = FixedWindowRateLimiter(storage)
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._own_until = 0.0

    def used_up(self, model: str) -> UsedUp | None:
        """Return the limit of the model or of everybody that is used up. It counts nothing."""
        return (
            self._used_up(self._dollars, "budget of the day", "usd", EVERYBODY, self._today())
            or self._used_up(self._tokens, "tokens per minute", "tokens", model)
            or self._used_up(self._requests, "requests per minute", "requests", model)
        )

    def begin(self, model: str, user_id: str) -> UsedUp | None:
        """Count the request of a call that begins now, or return the limit that is used up: the user's budget, or the
        requests per minute if other calls were faster since `used_up`."""
        used_up = self._used_up(self._user_dollars, "your budget of the day", "usd", user_id, self._today())
        if used_up or self._count(self._requests, 1, "requests", model):
            return used_up
        return self._used_up(self._requests, "requests per minute", "requests", model)

    def count(self, model: str, user_id: str, *, tokens: int | None, cost_usd: Decimal | None) -> None:
        """Count what a call has used. What is unknown counts nothing."""
        today, cost = self._today(), int((cost_usd or Decimal(0)) * MICRO_DOLLARS)
        self._count(self._tokens, tokens or 0, "tokens", model)
        self._count(self._dollars, cost, "usd", EVERYBODY, today)
        self._count(self._user_dollars, cost, "usd", user_id, today)

    def _used_up(self, item: RateLimitItem | None, limit: str, *key: str) -> UsedUp | None:
        if item is None or self._ask(lambda limiter: limiter.test(item, *key)):
            return None
        is_daily = isinstance(item, RateLimitItemPerDay)
        until = self._midnight() if is_daily else self._ask(lambda known: known.get_window_stats(item, *key).reset_time)
        return UsedUp(limit, until)

    def _count(self, item: RateLimitItem | None, cost: int, *key: str) -> bool:
        """Count, and return whether the limit allows as much."""
        return item is None or cost <= 0 or self._ask(lambda limiter: limiter.hit(item, *key, cost=cost))

    def _ask(self, question: Callable[[FixedWindowRateLimiter], T]) -> T:
        if self._clock() >= self._own_until:
            try:
                return question(self._shared)
            except redis.RedisError as error:
                trouble = redis_trouble(error)
            except ValueError:  # of `limits`, for a counter that is no number
                trouble = INVALID_COUNTER
            self._own_until = self._clock() + OWN_SECONDS
            log_trouble(log, trouble, "this process counts its own calls")
        return question(self._own)

    def _today(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).date().isoformat()

    def _midnight(self) -> float:
        """Return the end of the day in UTC. The key holds the date, so the next day has a counter of its own."""
        today = datetime.fromtimestamp(self._clock(), UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return (today + timedelta(days=1)).timestamp()


def _per_minute(amount: int | None) -> RateLimitItem | None:
    return None if amount is None else RateLimitItemPerMinute(amount)


def _per_day(dollars: float | None) -> RateLimitItem | None:
    return None if dollars is None else RateLimitItemPerDay(max(1, round(dollars * MICRO_DOLLARS)))
