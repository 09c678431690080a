"""Workers without Celery: threads that take the bridge's messages from Redis and save every step.

What they save is an empty output; who asks for more than the order and the number of the steps runs Celery's own.
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
from contracts.queues import SOLO_QUEUE, THOUGHTS_QUEUE
from contracts.settings import Settings

CLAIM = text("""
    UPDATE thoughts SET call_id = :call, attempts = attempts + 1, beat = beat + 1,
                        beat_at = clock_timestamp(), step_started_at = clock_timestamp()
     WHERE id = :id AND status = 'processing' AND dispatch_id = :token AND steps_done < :steps AND call_id IS NULL
    RETURNING id
""")

SAVE = text("""
    WITH t AS (
      UPDATE thoughts
         SET steps_done = steps_done + 1, call_id = NULL, attempts = 0, sends = 1, losses = 0, beat = beat + 1,
             beat_at = clock_timestamp(),
             status = CASE WHEN steps_done + 1 = :steps THEN 'completed' ELSE status END,
             finished_at = CASE WHEN steps_done + 1 = :steps THEN clock_timestamp() END
       WHERE id = :id AND call_id = :call RETURNING *),
    r AS (
      INSERT INTO agent_runs (thought_id, step, agent, version, provider, model, output, call_id, attempts, turn,
                              started_at, finished_at)
      SELECT id, steps_done, 'a' || steps_done, '1', 'test', 'test', '{}', :call, 1, turn,
             step_started_at, clock_timestamp() FROM t)
    SELECT user_id, status, finished_at FROM t
""")

Ended = list[tuple[datetime, UUID, UUID]]
"""(moment, user, thought) of each end; two threads may add theirs in another order than that of the moments."""


def line_of(user: UUID, ended: Ended) -> list[UUID]:
    """The thoughts of a user in the order in which they were completed."""
    return [thought for _, one, thought in sorted(ended) if one == user]


@contextmanager
def workers(settings: Settings, database: Database, number: int = 2) -> Iterator[Ended]:
    """Some workers at work; yields what they have completed so far."""
    stop, ended = threading.Event(), Ended()
    client = redis.Redis.from_url(settings.redis_url)
    threads = [threading.Thread(target=_work, args=(client, database, settings, stop, ended)) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield ended
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
        client.close()


def _work(client: redis.Redis, database: Database, settings: Settings, stop: threading.Event, ended: Ended) -> None:
    while not stop.is_set():
        found: Any = client.brpop([THOUGHTS_QUEUE, SOLO_QUEUE], timeout=0.2)
        if found is not None:
            thought, token = json.loads(base64.b64decode(json.loads(found[1])["body"]))[0]
            _run(client, database, settings, UUID(thought), token, ended)


def _run(client: redis.Redis, database: Database, settings: Settings, thought: UUID, token: int, ended: Ended) -> None:
    """All steps that are missing, one after the other."""
    call = uuid4()
    try:
        while database.rows(CLAIM, id=thought, token=token, call=call, steps=CATALOGUE.total):
            for row in database.rows(SAVE, id=thought, call=call, steps=CATALOGUE.total):
                if row.status == "completed":
                    ended.append((row.finished_at, row.user_id, thought))
                    client.publish(wakeup_channel(settings.redis_sse_prefix), str(row.user_id))
    except SQLAlchemyError:
        return  # as a worker that dies: silence brings the thought back
