"""The hub: one Redis subscription for all streams of a process, also across outages of Redis."""

from typing import Any
from uuid import UUID, uuid4

import redis

from contracts.database import Database
from contracts.progress import ProgressPublisher, channel, connect_redis
from contracts.settings import Settings
from tests.eventually import eventually
from tests.webapp.conftest import StartWeb
from tests.webapp.fake_worker import AGENT_EVENTS, ALL_EVENTS, FakeWorker
from tests.webapp.redis_server import RedisServer
from tests.webapp.web_processes import WebProcess


def subscribers(client: redis.Redis, settings: Settings, *users: UUID) -> int:
    """The number of Redis subscriptions to the channels of these users."""
    counts: Any = client.pubsub_numsub(*(channel(settings.redis_prefix, user) for user in users))
    return sum(int(count) for _, count in counts)


def test_all_streams_share_one_redis_connection(start_web: StartWeb, own_redis: RedisServer) -> None:
    web = start_web(REDIS_URL=own_redis.url)
    streams = [web.open_stream(uuid4()) for _ in range(30)]
    client = redis.Redis.from_url(own_redis.url)

    def subscriptions() -> list[int]:
        return [int(connection["sub"]) for connection in client.client_list(_type="pubsub")]

    eventually(lambda: sum(subscriptions()) == 31)  # thirty users and the hub's control channel
    assert len(subscriptions()) == 1
    assert all(stream.response.status == 200 for stream in streams)
    client.close()


def test_the_hub_unsubscribes_when_clients_close_their_streams(
    fast_web: WebProcess, redis_client: redis.Redis, settings: Settings
) -> None:
    users = [uuid4() for _ in range(12)]
    streams = [fast_web.open_stream(user) for user in users for _ in range(2)]
    eventually(lambda: fast_web.metric("thoughts_streams_open") == 24)
    eventually(lambda: subscribers(redis_client, settings, *users) == 12)
    for stream in streams:
        stream.close()
    eventually(lambda: fast_web.metric("thoughts_streams_open") == 0)
    eventually(lambda: subscribers(redis_client, settings, *users) == 0)
    new_stream = fast_web.open_stream(users[0])
    fast_web.post("a thought", users[0])
    new_stream.wait_for("thought_created")


def test_a_stream_survives_an_outage_of_redis(
    start_web: StartWeb, settings: Settings, database: Database, own_redis: RedisServer
) -> None:
    web, user = start_web(REDIS_URL=own_redis.url, SSE_HEARTBEAT_INTERVAL="50"), uuid4()
    settings = settings.model_copy(update={"redis_url": own_redis.url})
    client = connect_redis(own_redis.url)
    worker = FakeWorker(database, ProgressPublisher(client, settings.redis_prefix))
    silent_worker = FakeWorker(database)
    stream = web.open_stream(user)
    thought = web.post("a thought", user)
    stream.wait_for("thought_created")
    worker.dispatch(thought)
    stream.wait_for("thought_processing")
    own_redis.kill()
    silent_worker.run_step(thought, 1)
    stream.wait_for(AGENT_EVENTS[0])
    assert web.post("accepted while Redis is unavailable", user)
    eventually(lambda: stream.names().count("thought_created") == 2)
    late_stream = web.open_stream(user)
    late_stream.wait_for(AGENT_EVENTS[0])
    own_redis.start()
    eventually(lambda: subscribers(client, settings, user) == 1)
    # A stream that still fills its gap may derive the next event, so the one after it is looked at.
    for step in (2, 3):
        worker.run_step(thought, step)
        for each_stream in (stream, late_stream):
            each_stream.wait_for(AGENT_EVENTS[step - 1])
    for each_stream in (stream, late_stream):
        has_id = [event.id is not None for event in each_stream.events if event.name == AGENT_EVENTS[2]]
        assert has_id == [True], "the event arrives live again"
    client.close()


def test_a_client_that_reconnects_while_redis_is_unavailable_gets_a_reset(
    start_web: StartWeb, database: Database, own_redis: RedisServer
) -> None:
    web, user = start_web(REDIS_URL=own_redis.url), uuid4()
    own_redis.kill()
    thought = web.post("a thought", user)
    FakeWorker(database).complete(thought)
    stream = web.open_stream(user, "1795449299649-0")
    stream.wait_for("thought_completed")
    assert stream.names() == ["reset", *ALL_EVENTS]
    own_redis.start()
