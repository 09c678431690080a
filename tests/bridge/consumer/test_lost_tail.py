"""Tests a log that lost its tail and grew again past the commit: the records in its place are read."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.consumer.committer import LogReplacedError
from bridge.kafka.topics import create_topics
from contracts.settings import Settings
from tests.bridge.kafka_sources import (
    answer_requests,
    event_values,
    fetch_commit,
    held_offsets,
    lane_of,
    open_source,
    poll_until,
    produce,
    read_until_held,
)
from tests.ports import free_port_base
from tests.stores import STORES_ONLY, devstack, parse_stores, require_up, traversable_directory

BASE_OFFSET, LENGTH = slice(0, 8), slice(8, 12)
"""The bytes of a record batch that hold its first offset and the number of bytes that follow."""


@pytest.fixture(scope="module")
def database_url() -> str:
    return "postgresql://nobody@127.0.0.1:9/none"  # these tests need no PostgreSQL


class Stack:
    """Runs a Kafka for this test alone, whose files the test truncates while it is down."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._base = str(free_port_base())

    def up(self) -> None:
        location = ("--dir", str(self._home), "--port-base", self._base)
        require_up(devstack("up", *location, "--scale", STORES_ONLY, "--kafka", "apache", "--detach"))
        self.bootstrap = parse_stores(devstack("status", "--dir", str(self._home), "--json").stdout).kafka_bootstrap

    def down(self) -> None:
        assert devstack("down", "--dir", str(self._home)).returncode == 0

    def truncate(self, topic: str, offset: int) -> None:
        """Truncate the first partition at this offset, as when its disk was not written in time."""
        data = self._home / "kafka" / "data"
        log = data / f"{topic}-0" / f"{0:020}.log"
        content, position = log.read_bytes(), 0
        while int.from_bytes(content[position:][BASE_OFFSET]) < offset:
            position += 12 + int.from_bytes(content[position:][LENGTH])
        log.write_bytes(content[:position])
        for name in (".kafka_cleanshutdown", "recovery-point-offset-checkpoint", f"{topic}-0/*index"):
            for path in data.glob(name):
                path.unlink()


@pytest.fixture
def stack() -> Iterator[Stack]:
    with traversable_directory() as directory:
        stack = Stack(directory / "stack")
        stack.up()
        yield stack
        stack.down()


def test_a_lost_tail_raises_an_alarm_and_the_records_in_its_place_are_read(settings: Settings, stack: Stack) -> None:
    settings = settings.model_copy(update={"kafka_bootstrap_servers": stack.bootstrap})
    create_topics(settings)
    for number in range(10):
        produce(settings, event_values(1, first=number))
    with open_source(settings) as source:
        read_until_held(source, 10)
        answer_requests(lane_of(source))
    assert (fetch_commit(settings) or (None,))[0] == 10
    stack.down()
    stack.truncate(settings.kafka_topic, 4)
    stack.up()
    produce(settings, event_values(12, first=100))
    with open_source(settings) as source, pytest.raises(LogReplacedError, match="partition 0 lost records"):
        poll_until(source, lambda: False)
    with open_source(settings) as next_source:
        poll_until(next_source, lambda: held_offsets(next_source) == list(range(16)))
