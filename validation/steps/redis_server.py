"""Step 3: Redis does what the installation needs of it: it runs a script that writes, and is no replica."""

import time
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

import redis

from contracts.progress import connect_redis
from contracts.redis_refusals import redis_refusal
from contracts.refusals import redis_trouble
from validation.outcome import StepFailedError
from validation.site import Site
from validation.waiting import milliseconds_since

WRITE: Final = """
redis.call('XADD', KEYS[1], '*', 'message', 'validation')
redis.call('EXPIRE', KEYS[1], 60)
local length = redis.call('XLEN', KEYS[1])
redis.call('DEL', KEYS[1])
return length
"""

UNREACHABLE_CURE: Final = "start Redis and read its log; compare REDIS_URL with the address it listens on"


def check_redis(site: Site) -> str:
    """Write with a script to the Redis of the progress, and to the one of the task queues if that is another."""
    urls = dict.fromkeys([site.settings.redis_url, site.settings.broker_url])
    return "; ".join(_check(url, f"{site.settings.redis_prefix}:validation:{uuid4()}") for url in urls)


def _check(url: str, key: str) -> str:
    address = urlsplit(url).netloc.rpartition("@")[2]
    client = connect_redis(url)
    try:
        started_at = time.monotonic()
        length = client.register_script(WRITE)(keys=[key])
        milliseconds = milliseconds_since(started_at)
    except redis.RedisError as error:
        raise StepFailedError(f"{redis_trouble(error).state} ({address}): {error}", cure_of(error)) from error
    finally:
        client.close()
    return f"Redis at {address} ran a script that wrote {length} entry and deleted it, in {milliseconds} ms"


def cure_of(error: redis.RedisError) -> str:
    """Return what to do after an error of Redis."""
    refusal = redis_refusal(error)
    return refusal.cure if refusal else UNREACHABLE_CURE
