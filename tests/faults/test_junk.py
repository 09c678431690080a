"""Junk in the Redis of a whole stack under load: it is dropped, and every thought is analysed as ever."""

import pytest
import redis

from contracts.queues import SOLO_QUEUE, THOUGHTS_QUEUE, key_prefix, queue_keys
from tests.eventually import eventually
from tests.faults.context import settings_of
from tests.faults.junk import ODD_ENTRIES, add_junk, example_message, wrong_type
from tests.faults.refusing_stores import assert_no_restart, count_refusals, restarts_of_apps
from tests.faults.workload import assert_completed_in_order, submit_thoughts
from tests.running_stack import Stack
from tests.tasks.broker.junk import junk_items

TEXT = "Beside junk [[delay:analysis:500]]"


def count_items(client: redis.Redis, prefix: str) -> int:
    """Count what is in all lists of both queues."""
    return sum(int(client.llen(key)) for queue in (THOUGHTS_QUEUE, SOLO_QUEUE) for key in queue_keys(prefix, queue))


def odd_entries(client: redis.Redis, prefix: str) -> list[bytes]:
    """Return the odd ones of the unacknowledged messages; beside them are those of killed workers."""
    return [value for value in client.hvals(f"{key_prefix(prefix)}unacked") if value in ODD_ENTRIES]


def test_junk_in_every_list_and_among_the_unacknowledged_messages_stops_no_thought_and_no_process(
    stack: Stack,
) -> None:
    restarts, settings = restarts_of_apps(stack), settings_of(stack)
    items = junk_items(example_message(settings))
    with redis.Redis.from_url(settings.broker_url) as client:
        submitted = submit_thoughts(stack, users=4, per_user=2, text=TEXT)
        assert add_junk(client, settings.redis_prefix, items) == len(items) + len(ODD_ENTRIES)
        submitted |= submit_thoughts(stack, users=2, per_user=2, text=TEXT)
        assert assert_completed_in_order(stack, submitted) == 0
        eventually(lambda: count_items(client, settings.redis_prefix) == 0)
        eventually(lambda: not odd_entries(client, settings.redis_prefix))
    assert_no_restart(stack, restarts)


@pytest.mark.parametrize(
    "name", ["thoughts", "thoughts\x06\x164", "solo", "unacked", "unacked_index", "processes", "installation"]
)
def test_a_key_of_the_wrong_type_delays_thoughts_until_it_is_deleted(stack: Stack, name: str) -> None:
    restarts, settings = restarts_of_apps(stack), settings_of(stack)
    with redis.Redis.from_url(settings.broker_url) as client:
        submitted = submit_thoughts(stack, users=2, per_user=2, text=TEXT)
        before = count_refusals(client, "WRONGTYPE")
        with wrong_type(client, f"{key_prefix(settings.redis_prefix)}{name}"):
            submitted |= submit_thoughts(stack, users=2, per_user=2, text=TEXT)
            eventually(lambda: count_refusals(client, "WRONGTYPE") > before)
    assert assert_completed_in_order(stack, submitted) == 0
    assert_no_restart(stack, restarts)
