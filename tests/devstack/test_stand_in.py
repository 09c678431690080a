"""librdkafka's own broker where Apache Kafka cannot be had."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, Message, Producer

from tests.devstack.stacks import devstack, down, free_base, kill, pids, status, up
from tests.eventually import eventually
from tests.stores import STORES_ALONE

ALONE = ("--scale", STORES_ALONE)


@pytest.fixture(scope="module")
def unreachable(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment with an empty cache, no Maven, and a network that answers nothing."""
    empty = tmp_path_factory.mktemp("empty")
    nowhere = dict.fromkeys(("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"), "http://127.0.0.1:1")
    return os.environ | nowhere | {"XDG_CACHE_HOME": str(empty), "HOME": str(empty), "PATH": str(empty), "NO_PROXY": ""}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, unreachable: dict[str, str]) -> Iterator[tuple[Path, str]]:
    directory = Path(tmp_path_factory.mktemp("stack"))
    yield directory, up(directory, free_base(), *ALONE, environment=unreachable)
    down(directory)


def is_delivered(producer: Producer) -> bool:
    """Whether a record reaches the broker within a second."""
    told: list[KafkaError | None] = []

    def tell(error: KafkaError | None, _: Message) -> None:
        told.append(error)

    producer.produce("thought-processing", b"value", on_delivery=tell)
    producer.flush(1)
    return told[-1:] == [None]


def test_it_stands_in_where_the_jars_cannot_be_fetched_and_says_what_that_means(stack: tuple[Path, str]) -> None:
    directory, said = stack
    assert status(directory)["kafka"] == "embedded"
    lines = [line for line in said.splitlines() if "keeps nothing" in line]
    assert len(lines) == 1
    assert "could not be fetched" in lines[0]


def test_apache_kafka_is_never_replaced_when_it_was_demanded(tmp_path: Path, unreachable: dict[str, str]) -> None:
    place = ("--dir", str(tmp_path), "--port-base", str(free_base()))
    done = devstack("up", *place, *ALONE, "--kafka", "apache", "--detach", environment=unreachable)
    assert done.returncode == 1
    assert "Apache Kafka cannot be had here" in done.stderr
    assert pids(tmp_path) == {}


def test_a_client_finds_it_again_at_the_same_address_after_it_was_killed(stack: tuple[Path, str]) -> None:
    directory, _ = stack
    producer = Producer(
        {"bootstrap.servers": status(directory)["kafka_bootstrap"], "log_level": 0, "reconnect.backoff.max.ms": 500}
    )
    eventually(lambda: is_delivered(producer))
    before = pids(directory)["kafka.1"]
    kill(before)
    eventually(lambda: pids(directory).get("kafka.1", before) != before)
    eventually(lambda: is_delivered(producer), timeout=60)
