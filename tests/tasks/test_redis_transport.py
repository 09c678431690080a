"""The Redis transport: one publishing client per channel, and a new one when the channel's pool changes."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from celery import Celery

from contracts.queues import key_prefix
from contracts.settings import Settings
from tasks.application import create_app
from tasks.redis_transport import Channel

DELIVERY = {"delivery_info": {"exchange": "", "routing_key": ""}, "delivery_tag": "1"}
MESSAGE = json.dumps({"body": "", "properties": DELIVERY})


@pytest.fixture
def channel(settings: Settings, redis_client: redis.Redis) -> Iterator[Any]:
    with create_app(settings).connection_for_write() as connection:
        yield connection.default_channel


def test_a_channel_keeps_its_client(channel: Any) -> None:
    assert type(channel) is Channel
    with channel.conn_or_acquire() as first, channel.conn_or_acquire() as second:
        assert first is second
        assert first.ping()


def test_a_channel_whose_pool_was_closed_gets_a_new_client(channel: Any) -> None:
    with channel.conn_or_acquire() as first:
        channel._disconnect_pools()
    with channel.conn_or_acquire() as second:
        assert first is not second
        assert second.connection_pool is channel.pool


def test_a_closed_connection_raises_an_error_that_makes_celery_reconnect(channel: Any) -> None:
    transport, connection = channel.connection, channel.connection.client
    transport.client = None
    try:
        with pytest.raises(connection.connection_errors), channel.conn_or_acquire():
            raise AssertionError("the channel returned a client")
    finally:
        transport.client = connection


def test_a_channel_that_is_closed_after_its_connection_keeps_its_client(channel: Any) -> None:
    """The channel restores its unacknowledged messages when it closes, after the connection and its pool are gone."""
    with channel.conn_or_acquire() as first:
        channel._disconnect_pools()
    transport, connection = channel.connection, channel.connection.client
    transport.client = None
    try:
        with channel.conn_or_acquire() as second:
            assert first is second
    finally:
        transport.client = connection


@pytest.mark.parametrize("has_client", [True, False])
@pytest.mark.parametrize("end", ["ack_log_error", "reject_log_error"])
def test_a_message_whose_channel_was_closed_during_its_step_ends_without_an_error_that_ends_the_worker(
    settings: Settings, redis_client: redis.Redis, end: str, has_client: bool
) -> None:
    """Celery closes the channel when the connection is lost, and acknowledges what its threads finish afterwards."""
    with create_app(settings).connection_for_write() as connection:
        channel, key = connection.default_channel, f"{key_prefix(settings.redis_prefix)}a queue"
        redis_client.lpush(key, MESSAGE)
        message = channel.basic_get("a queue")
        if not has_client:
            channel._publishing_client = None
        channel.close()
        getattr(message, end)(logging.getLogger(), connection.connection_errors)


def test_the_receiving_side_has_its_own_client(channel: Any) -> None:
    """The receiving client blocks in BRPOP."""
    with channel.conn_or_acquire() as publishing:
        assert channel.client is not publishing
        assert channel.client.connection_pool is not publishing.connection_pool


def test_a_message_is_recorded_as_unacknowledged_without_a_transaction(
    channel: Any, settings: Settings, redis_client: redis.Redis
) -> None:
    prefix = key_prefix(settings.redis_prefix)
    redis_client.lpush(f"{prefix}a queue", MESSAGE)
    with redis_client.monitor() as monitor:
        message = channel.basic_get("a queue")
        received = redis_client.hlen(f"{prefix}unacked"), redis_client.zcard(f"{prefix}unacked_index")
        channel.basic_ack(message.delivery_tag)
        acknowledged = redis_client.hlen(f"{prefix}unacked"), redis_client.zcard(f"{prefix}unacked_index")
        commands = list(commands_until_echo(monitor, redis_client))
    assert (received, acknowledged) == ((1, 1), (0, 0))
    assert {"RPOP", "HSET", "HDEL"} <= set(commands)
    assert "MULTI" not in commands


def commands_until_echo(monitor: Any, client: redis.Redis) -> Iterator[str]:
    """Yield the names of the commands that were sent to this client's database until now."""
    client.echo("until here")
    for entry in monitor.listen():
        if entry["db"] == client.get_connection_kwargs()["db"]:
            name, _, argument = entry["command"].partition(" ")
            if argument == "until here":
                return
            yield name


@pytest.mark.parametrize("url", ["amqp://127.0.0.1", "pyamqp://127.0.0.1"])
def test_other_brokers_keep_the_transports_of_kombu(settings: Settings, url: str) -> None:
    app: Celery = create_app(settings.model_copy(update={"celery_broker_url": url}))
    assert app.conf.broker_transport is None
