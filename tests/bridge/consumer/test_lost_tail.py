"""A log that lost its tail and grew again under the same topic: what grew is read, though the commit is within it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.consumer.kafka_source import TopicRecreatedError
from bridge.kafka.topics import create_topics
from contracts.settings import Settings
from tests.bridge.kafka_sources import a_source, answer, committed, held, lane, poll_until, produce, read_all, values
from tests.ports import free_base
from tests.stores import STORES_ALONE, devstack, parse, require_up, walkable_directory

BASE_OFFSET, LENGTH = slice(0, 8), slice(8, 12)
"""Where a record batch has its first offset, and how many bytes follow."""


@pytest.fixture(scope="module")
def database_url() -> str:
    return "postgresql://nobody@127.0.0.1:9/none"  # nobody asks PostgreSQL here


class Stack:
    """A Kafka of this test's own, whose files it may cut while it is down."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._base = str(free_base())

    def up(self) -> None:
        place = ("--dir", str(self._home), "--port-base", self._base)
        require_up(devstack("up", *place, "--scale", STORES_ALONE, "--kafka", "apache", "--detach"))
        self.bootstrap = parse(devstack("status", "--dir", str(self._home), "--json").stdout).kafka_bootstrap

    def down(self) -> None:
        assert devstack("down", "--dir", str(self._home)).returncode == 0

    def cut(self, topic: str, offset: int) -> None:
        """The first partition loses what stands from this offset on, as when its disk was not written in time."""
        data = self._home / "kafka" / "data"
        log = data / f"{topic}-0" / f"{0:020}.log"
        whole, at = log.read_bytes(), 0
        while int.from_bytes(whole[at:][BASE_OFFSET]) < offset:
            at += 12 + int.from_bytes(whole[at:][LENGTH])
        log.write_bytes(whole[:at])
        for name in (".kafka_cleanshutdown", "recovery-point-offset-checkpoint", f"{topic}-0/*index"):
            for told in data.glob(name):
                told.unlink()


@pytest.fixture
def stack() -> Iterator[Stack]:
    with walkable_directory() as directory:
        stack = Stack(directory / "stack")
        stack.up()
        yield stack
        stack.down()


def test_a_lost_tail_raises_an_alarm_and_what_grew_in_its_place_is_read(settings: Settings, stack: Stack) -> None:
    settings = settings.model_copy(update={"kafka_bootstrap_servers": stack.bootstrap})
    create_topics(settings)
    for number in range(10):
        produce(settings, values(1, first=number))
    with a_source(settings) as source:
        read_all(source, 10)
        answer(lane(source))
    assert (committed(settings) or (None,))[0] == 10
    stack.down()
    stack.cut(settings.kafka_topic, 4)
    stack.up()
    produce(settings, values(12, first=100))
    with a_source(settings) as source, pytest.raises(TopicRecreatedError, match="ALARM: partition 0 lost records"):
        poll_until(source, lambda: False)
    with a_source(settings) as following:
        poll_until(following, lambda: held(following) == list(range(16)))
