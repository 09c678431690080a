"""One client a channel, and another one when the channel's pool is another."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from celery import Celery

from contracts.settings import Settings
from tasks.application import create_app
from tasks.redis_transport import Channel


@pytest.fixture
def channel(settings: Settings, redis_client: redis.Redis) -> Iterator[Any]:
    with create_app(settings).connection_for_write() as connection:
        yield connection.default_channel


def test_a_channel_of_the_worker_keeps_its_client(channel: Any) -> None:
    assert type(channel) is Channel
    with channel.conn_or_acquire() as first, channel.conn_or_acquire() as second:
        assert first is second
        assert first.ping()


def test_a_channel_whose_pool_was_closed_has_a_new_client(channel: Any) -> None:
    with channel.conn_or_acquire() as first:
        channel._disconnect_pools()
    with channel.conn_or_acquire() as second:
        assert first is not second
        assert second.connection_pool is channel.pool


def test_a_closed_connection_is_said_as_what_celery_takes_for_a_lost_one(channel: Any) -> None:
    transport, lost = channel.connection, channel.connection.client
    transport.client = None
    try:
        with pytest.raises(lost.connection_errors), channel.conn_or_acquire():
            raise AssertionError("there was a client")
    finally:
        transport.client = lost


def test_a_channel_that_is_closed_late_still_has_its_client(channel: Any) -> None:
    """It gives back what it holds, after its connection was lost and the pool with it."""
    with channel.conn_or_acquire() as first:
        channel._disconnect_pools()
    transport, lost = channel.connection, channel.connection.client
    transport.client = None
    try:
        with channel.conn_or_acquire() as second:
            assert first is second
    finally:
        transport.client = lost


def test_the_waiting_side_has_a_client_of_its_own(channel: Any) -> None:
    """It blocks in BRPOP."""
    with channel.conn_or_acquire() as publishing:
        assert channel.client is not publishing
        assert channel.client.connection_pool is not publishing.connection_pool


def test_a_message_is_noted_until_it_is_acknowledged_without_a_transaction(
    channel: Any, redis_client: redis.Redis
) -> None:
    delivery = {"delivery_info": {"exchange": "", "routing_key": ""}, "delivery_tag": "1"}
    redis_client.lpush("a queue", json.dumps({"body": "", "properties": delivery}))
    with redis_client.monitor() as seen:
        message = channel.basic_get("a queue")
        noted = redis_client.hlen("unacked"), redis_client.zcard("unacked_index")
        channel.basic_ack(message.delivery_tag)
        left = redis_client.hlen("unacked"), redis_client.zcard("unacked_index")
        commands = list(until_echo(seen, redis_client))
    assert (noted, left) == ((1, 1), (0, 0))
    assert {"RPOP", "HSET", "HDEL"} <= set(commands)
    assert "MULTI" not in commands


def until_echo(seen: Any, client: redis.Redis) -> Iterator[str]:
    """The names of the commands that were sent to this client's database until now."""
    client.echo("until here")
    for each in seen.listen():
        if each["db"] == client.get_connection_kwargs()["db"]:
            name, _, argument = each["command"].partition(" ")
            if argument == "until here":
                return
            yield name


@pytest.mark.parametrize("url", ["sentinel://127.0.0.1:26379", "amqp://127.0.0.1"])
def test_other_brokers_keep_their_own_transports(settings: Settings, url: str) -> None:
    app: Celery = create_app(settings.model_copy(update={"celery_broker_url": url}))
    assert app.conf.broker_transport is None
