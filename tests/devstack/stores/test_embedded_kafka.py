"""librdkafka's own broker where Apache Kafka cannot be had."""

from pathlib import Path

from tests.devstack.stacks import Whole, devstack, is_ready, kill, pids, status
from tests.eventually import eventually
from tests.ports import free_base
from tests.stores import STORES_ALONE


def test_it_stands_in_where_the_jars_cannot_be_fetched_and_says_what_that_means(whole: Whole) -> None:
    assert status(whole.directory)["kafka"] == "embedded"
    lines = [line for line in whole.said.splitlines() if "keeps nothing" in line]
    assert len(lines) == 1
    assert "could not be fetched" in lines[0]


def test_apache_kafka_is_never_replaced_when_it_was_demanded(tmp_path: Path, unreachable: dict[str, str]) -> None:
    place = ("--dir", str(tmp_path), "--port-base", str(free_base()))
    done = devstack("up", *place, "--scale", STORES_ALONE, "--kafka", "apache", "--detach", environment=unreachable)
    assert done.returncode == 1
    assert "Apache Kafka cannot be had here" in done.stderr
    assert pids(tmp_path) == {}


def test_thoughts_are_completed_on_it_and_again_after_it_was_killed_and_forgot_everything(whole: Whole) -> None:
    thought = whole.post("Before.")
    eventually(lambda: whole.is_completed(thought), timeout=60)
    before = pids(whole.directory)["kafka.1"]
    kill(before)
    eventually(lambda: pids(whole.directory).get("kafka.1", before) != before)
    eventually(lambda: is_ready(whole.directory, "kafka.1"), timeout=60)
    later = whole.post("Afterwards.")
    eventually(lambda: whole.is_completed(later), timeout=120)
