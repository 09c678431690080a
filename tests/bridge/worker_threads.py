"""Workers without Celery: threads that take the bridge's messages from Redis, claim each step and save it.

They save empty outputs, which is enough to test the order and the number of steps.
"""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import redis
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from agents.catalogue import CATALOGUE
from contracts.database import Database
from contracts.progress import wakeup_channel
from contracts.queues import SOLO_QUEUE, THOUGHTS_QUEUE, queue_keys
from contracts.settings import Settings

CLAIM = text("""
    UPDATE thoughts SET call_id = :call_id, attempts = attempts + 1, beat = beat + 1,
                        beat_at = clock_timestamp(), step_started_at = clock_timestamp()
     WHERE id = :id AND status = 'processing' AND dispatch_id = :dispatch_id AND steps_done < :steps AND call_id IS NULL
    RETURNING id
""")

SAVE = text("""
    WITH t AS (
      UPDATE thoughts
         SET steps_done = steps_done + 1, call_id = NULL, attempts = 0, sends = 1, losses = 0, beat = beat + 1,
             beat_at = clock_timestamp(),
             status = CASE WHEN steps_done + 1 = :steps THEN 'completed' ELSE status END,
             finished_at = CASE WHEN steps_done + 1 = :steps THEN clock_timestamp() END
       WHERE id = :id AND call_id = :call_id RETURNING *),
    r AS (
      INSERT INTO agent_runs (thought_id, step, agent, version, provider, model, output, call_id, attempts, turn,
                              started_at, finished_at)
      SELECT id, steps_done, 'a' || steps_done, '1', 'test', 'test', '{}', :call_id, 1, turn,
             step_started_at, clock_timestamp() FROM t)
    SELECT user_id, status, finished_at FROM t
""")

Completions = list[tuple[datetime, UUID, UUID]]
"""(finished_at, user, thought) of each completed thought. Two threads may append theirs in another order."""


def completed_thoughts(user: UUID, completions: Completions) -> list[UUID]:
    """Return the thoughts of a user in the order in which they were completed."""
    return [thought for _, owner, thought in sorted(completions) if owner == user]


@contextmanager
def running_workers(settings: Settings, database: Database, count: int = 2) -> Iterator[Completions]:
    """Run `count` workers until the end of the block. Yield what they have completed so far."""
    stop, completions = threading.Event(), Completions()
    client = redis.Redis.from_url(settings.redis_url)
    arguments = (client, database, settings, stop, completions)
    threads = [threading.Thread(target=_work, args=arguments) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield completions
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
        client.close()


def _work(
    client: redis.Redis, database: Database, settings: Settings, stop: threading.Event, completions: Completions
) -> None:
    while not stop.is_set():
        keys = [key for queue in (THOUGHTS_QUEUE, SOLO_QUEUE) for key in queue_keys(settings.redis_prefix, queue)]
        item: Any = client.brpop(keys, timeout=0.2)
        if item is not None:
            thought, token = json.loads(base64.b64decode(json.loads(item[1])["body"]))[0]
            _run(client, database, settings, UUID(thought), token, completions)


def _run(
    client: redis.Redis, database: Database, settings: Settings, thought: UUID, token: int, completions: Completions
) -> None:
    """Claim and save the missing steps, one after the other."""
    call = uuid4()
    try:
        while database.rows(CLAIM, id=thought, dispatch_id=token, call_id=call, steps=CATALOGUE.total):
            for row in database.rows(SAVE, id=thought, call_id=call, steps=CATALOGUE.total):
                if row.status == "completed":
                    completions.append((row.finished_at, row.user_id, thought))
                    client.publish(wakeup_channel(settings.redis_prefix), str(row.user_id))
    except SQLAlchemyError:
        return  # as a worker that dies: the thought is dispatched again when its lease expires
