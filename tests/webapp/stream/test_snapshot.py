"""Events and resets that are derived from PostgreSQL."""

import json
from typing import Any
from uuid import UUID, uuid4

import redis
from flask.testing import FlaskClient
from sqlalchemy import event

from contracts.database import Database
from contracts.progress import channel
from contracts.settings import Settings
from tests.eventually import eventually
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.http_client import get_thought, submit
from webapp.queries import texts_of_user
from webapp.stream.snapshot import complete_events, derived_outlines, reset_data


def test_derived_events_equal_the_published_ones(
    client: FlaskClient, database: Database, worker: FakeWorker, settings: Settings, redis_client: redis.Redis
) -> None:
    user = uuid4()
    ids = [submit(client, user=user) for _ in range(2)]
    key = f"{channel(settings.redis_prefix, user)}:events"
    eventually(lambda: redis_client.xlen(key) == 2)
    worker.complete(ids[0])
    worker.dispatch(ids[1])
    worker.claim(ids[1])
    worker.fail(ids[1])
    entries: Any = redis_client.xrange(key)
    published = [json.loads(fields[b"message"])["data"] for _, fields in entries]
    outlines = derived_outlines(database, user)
    derived = list(complete_events(outlines, lambda ids: texts_of_user(database, user, ids)))

    def by_id(all_data: list[dict[str, object]]) -> dict[object, dict[str, object]]:
        return {data["event_id"]: {**data, "timestamp": None, "processing_time_seconds": None} for data in all_data}

    assert by_id(published) == by_id(derived)


def test_a_reset_reads_the_outputs_and_derived_events_do_not(
    client: FlaskClient, database: Database, worker: FakeWorker
) -> None:
    user = uuid4()
    worker.complete(submit(client, user=user))
    statements: list[str] = []

    def record_statement(_connection: Any, _cursor: Any, statement: str, *_others: Any) -> None:
        statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", record_statement)
    derived = derived_outlines(database, user)
    event.remove(database.engine, "before_cursor_execute", record_statement)
    assert len(derived) == 8
    assert statements
    assert [statement for statement in statements if "output" in statement] == []
    [thought] = reset_data(database, user)["thoughts"]
    assert thought == get_thought(client, UUID(thought["id"]))
    assert thought["agents"][0]["output"] == {"said": "result 1"}


def test_a_reset_contains_every_open_thought_and_the_twenty_latest(
    client: FlaskClient, database: Database, worker: FakeWorker
) -> None:
    user = uuid4()
    ids = [submit(client, user=user) for _ in range(2 + 60 + 21)]
    for thought in ids[:2] + ids[62:]:
        worker.dispatch(thought)
        worker.fail(thought)
    submit(client, user=uuid4())
    in_reset = [UUID(thought["id"]) for thought in reset_data(database, user)["thoughts"]]
    assert in_reset == ids[2:62] + ids[63:], "in the order of turns, without the three older finished ones"
