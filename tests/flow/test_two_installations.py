"""Two databases on one Redis and one Kafka: neither touches the other's work, or the second one refuses to start."""

import re
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import text

from contracts.installation import installation_key
from contracts.settings import Settings
from tests.eventually import eventually
from tests.flow.installations import Installation, two_installations
from tests.stores import Stores

pytestmark = pytest.mark.usefixtures("topics")

ALL = ("relay", "bridge", "worker")
THOUGHTS = 10


@pytest.fixture
def pair(
    stores: Stores, template: str, settings: Settings, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[Installation, Installation]]:
    """Two installations; the parameter changes the names of the second one, where `{}` stands for the first's."""
    patterns: dict[str, str] = request.param
    changes: dict[str, Any] = {name: value.format(getattr(settings, name)) for name, value in patterns.items()}
    with two_installations(stores, template, settings, tmp_path, **changes) as both:
        yield both


def exit_line(process: "subprocess.Popen[bytes]", installation: Installation, name: str) -> str:
    """Wait until a process has ended with an error; return its one line, without the timestamp."""
    assert process.wait(60) == 1
    (line,) = [line for line in installation.log(name).splitlines() if "Cannot start" in line]
    return line


def foreign_alarm(installation: Installation) -> str:
    """Return the line about records of another installation; "" when there is none yet."""
    return "".join(re.findall("ALARM: another installation writes.*", installation.log("bridge"))[:1])


OWN_NAMES = {
    "redis_sse_prefix": "{}:b",
    "kafka_consumer_group": "{}-b",
}
"""The fewest names that must differ: the topics are still shared."""


@pytest.mark.parametrize("pair", [OWN_NAMES], indirect=True)
@pytest.mark.parametrize("first", [0, 1])
def test_both_complete_their_own_thoughts_though_they_share_the_topics(
    pair: tuple[Installation, Installation], first: int
) -> None:
    """Also the one whose thoughts were in the topic before the other one's bridge began to read."""
    earlier, later = pair[first], pair[1 - first]
    earlier.accept(THOUGHTS)
    earlier.start("relay", "worker")
    earlier.wait_until_published()
    later.accept(THOUGHTS)
    later.start(*ALL)
    later.wait_until_completed()
    assert earlier.statuses() == {"pending": THOUGHTS}
    earlier.start("bridge")
    earlier.wait_until_completed()
    assert [installation.count_dead_letters() for installation in pair] == [0, 0]
    for installation, other in ((earlier, later), (later, earlier)):
        alarm = eventually(partial(foreign_alarm, installation))
        assert str(other.database.rows(text("SELECT id FROM installation"))[0].id) in alarm
        assert "KAFKA_TOPIC" in alarm


@pytest.mark.parametrize("pair", [{"redis_sse_prefix": "{}-b"}], indirect=True)
@pytest.mark.parametrize("first", [0, 1])
def test_a_bridge_refuses_the_consumer_group_of_another_installation(
    pair: tuple[Installation, Installation], first: int
) -> None:
    earlier, later = pair[first], pair[1 - first]
    earlier.accept(THOUGHTS)
    earlier.start(*ALL)
    earlier.wait_until_completed()
    later.accept(THOUGHTS)
    later.start("relay", "worker")
    (bridge,) = later.start("bridge")
    line = exit_line(bridge, later, "bridge")
    assert line.startswith("Cannot start. KAFKA_CONSUMER_GROUP: bridges of another installation")
    check = later.run("bridge", "check-names")
    assert (check.returncode, check.stderr.splitlines()) == (1, [line])
    earlier.accept(THOUGHTS)
    earlier.wait_until_completed()
    later.start("bridge", KAFKA_CONSUMER_GROUP=f"{later.settings.kafka_consumer_group}-own")
    later.wait_until_completed()
    assert [installation.count_dead_letters() for installation in pair] == [0, 0]


@pytest.mark.parametrize("pair", [{"kafka_consumer_group": "{}-b"}], indirect=True)
@pytest.mark.parametrize("name", ["bridge", "worker"])
def test_a_process_refuses_the_prefix_of_another_installation(
    pair: tuple[Installation, Installation], redis_client: redis.Redis, name: str
) -> None:
    a, b = pair
    a.accept(THOUGHTS)
    a.start(*ALL)
    a.wait_until_completed()
    (process,) = b.start(name)
    line = exit_line(process, b, name)
    assert line.startswith("Cannot start. REDIS_SSE_PREFIX: another installation")
    assert "python -m bridge take-over" in line
    a.stop()
    taken = b.run("bridge", "take-over")
    assert taken.returncode == 0, taken.stderr
    b.accept(THOUGHTS)
    b.start(*ALL)
    b.wait_until_completed()
    (refused,) = a.start("worker")
    assert refused.wait(60) == 1
    assert redis_client.get(installation_key(b.settings.redis_prefix)) is not None


def test_many_processes_of_the_same_database_are_one_installation(settings: Settings, tmp_path: Path) -> None:
    installation = Installation(settings, tmp_path)
    try:
        installation.accept(THOUGHTS)
        installation.start(*ALL, *ALL)
        installation.wait_until_completed()
        check = installation.run("bridge", "check-names")
        assert (check.returncode, check.stderr) == (0, "")
        assert "Cannot start" not in installation.log("bridge") + installation.log("worker")
    finally:
        installation.close()
