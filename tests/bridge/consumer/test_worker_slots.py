"""Tests what a bridge learns of the workers and of the other bridges through Redis."""

from collections.abc import Iterator
from itertools import count

import pytest
import redis

from bridge.consumer.in_flight_limit import MIN_LIMIT, total_limit
from bridge.consumer.worker_slots import LOOP_TIMEOUT_SECONDS, WorkerSlots
from contracts.presence import Presence, ProcessReport
from contracts.progress import connect_redis
from contracts.settings import Settings
from tests.eventually import eventually
from tests.tcp_proxy import TcpProxy

LEASE_SECONDS = 20.0
PREFIX = "slots-test"


@pytest.fixture
def presence(redis_client: redis.Redis) -> Presence:
    return Presence(redis_client, PREFIX)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def slots(presence: Presence, clock: Clock) -> Iterator[WorkerSlots]:
    slots = WorkerSlots(presence, LEASE_SECONDS, clock)
    yield slots
    slots.stop()


def test_the_limit_follows_the_workers_that_come_and_go(presence: Presence, slots: WorkerSlots, clock: Clock) -> None:
    slots.refresh()
    assert slots.limit(1000) == MIN_LIMIT
    for number, known in zip(count(1), (40, 80, 120), strict=False):
        presence.report(ProcessReport("worker", f"worker {number}", slots=40))
        slots.refresh()
        assert slots.limit(1000) == total_limit(known)
    for number in (2, 3):
        presence.withdraw(f"worker {number}")
    slots.refresh()
    assert slots.limit(1000) == total_limit(120)
    clock.now += LEASE_SECONDS
    slots.refresh()
    assert slots.limit(1000) == total_limit(40)


def test_two_bridges_share_the_slots_by_what_they_hold(presence: Presence, slots: WorkerSlots, clock: Clock) -> None:
    presence.report(ProcessReport("worker", "worker", slots=100))
    other = WorkerSlots(presence, LEASE_SECONDS, clock)
    shares = []
    for _ in range(2):
        shares = [slots.limit(1000), other.limit(30)]
        slots.refresh()
        other.refresh()
    assert [slots.limit(1000), other.limit(30)] == [80, 30], shares
    other.stop()
    slots.refresh()
    assert slots.limit(1000) == 110


def test_a_bridge_whose_loop_hangs_leaves_its_share_to_the_others(
    presence: Presence, slots: WorkerSlots, clock: Clock
) -> None:
    slots.limit(5)
    clock.now += LOOP_TIMEOUT_SECONDS
    slots.refresh()
    assert presence.read() == []


def test_a_bridge_that_cannot_send_its_chains_is_reported_as_blocked(presence: Presence, slots: WorkerSlots) -> None:
    for is_sent in (True, False, True):
        slots.note_dispatch(is_sent=is_sent)
        slots.refresh()
        [seen] = presence.read()
        assert seen.report.is_blocked is not is_sent


def test_the_last_knowledge_is_kept_while_redis_is_unavailable(settings: Settings, presence: Presence) -> None:
    proxy = TcpProxy.for_url(settings.redis_url)
    slots = WorkerSlots(Presence(connect_redis(proxy.proxied_url(settings.redis_url)), PREFIX), LEASE_SECONDS)
    presence.report(ProcessReport("worker", "worker", slots=10))
    slots.refresh()
    proxy.refuse()
    slots.refresh()
    assert slots.limit(1000) == total_limit(10)
    slots.stop()


def test_the_thread_learns_of_a_new_worker(presence: Presence, redis_client: redis.Redis) -> None:
    slots = WorkerSlots(presence, LEASE_SECONDS)
    slots.start()
    presence.report(ProcessReport("worker", "worker", slots=10))
    eventually(lambda: slots.limit(1000) == total_limit(10))
    slots.stop()
    assert [process.report.kind for process in presence.read()] == ["worker"]
