"""The metrics of what workers dropped from the broker's lists."""

import redis
from flask.testing import FlaskClient

from contracts.dropped_messages import count_dropped
from contracts.settings import Settings
from tests.webapp.metrics.scraping import scrape

NAME = "thoughts_broker_messages_dropped_total"


def test_dropped_items_are_counted_by_kind_from_zero_on(
    client: FlaskClient, settings: Settings, redis_client: redis.Redis
) -> None:
    for _ in range(2):
        count_dropped(redis_client, settings.redis_prefix, "not_a_message")
    metrics = scrape(client)
    assert metrics[f'{NAME}{{kind="not_a_message"}}'] == 2
    assert metrics[f'{NAME}{{kind="unknown_task"}}'] == 0


def test_a_counter_that_is_no_number_or_no_hash_costs_no_other_metric(
    client: FlaskClient, settings: Settings, redis_client: redis.Redis
) -> None:
    key = f"{settings.redis_prefix}:dropped_messages"
    redis_client.hset(key, "too_large", "many")
    assert scrape(client)[f'{NAME}{{kind="too_large"}}'] == 0
    redis_client.delete(key)
    redis_client.set(key, "text")
    metrics = scrape(client)
    assert metrics["thoughts_database_up"] == 1
    assert not [name for name in metrics if name.startswith(NAME)]
