"""librdkafka's embedded broker, used where Apache Kafka is not available."""

from pathlib import Path

from tests.devstack.stacks import FullStack, devstack, is_ready, kill, running_pids, status
from tests.eventually import eventually
from tests.ports import free_port_base
from tests.stores import STORES_ONLY


def test_up_uses_the_embedded_broker_without_jars_and_explains_it_in_one_line(full_stack: FullStack) -> None:
    assert status(full_stack.directory)["kafka"] == "embedded"
    lines = [line for line in full_stack.up_output.splitlines() if "loses its records" in line]
    assert len(lines) == 1
    assert "could not be downloaded" in lines[0]


def test_up_fails_when_apache_kafka_is_required_but_not_available(
    tmp_path: Path, offline_environment: dict[str, str]
) -> None:
    location = ("--dir", str(tmp_path), "--port-base", str(free_port_base()))
    result = devstack(
        "up", *location, "--scale", STORES_ONLY, "--kafka", "apache", "--detach", environment=offline_environment
    )
    assert result.returncode == 1
    assert "Apache Kafka is not available" in result.stderr
    assert running_pids(tmp_path) == {}


def test_thoughts_are_completed_with_the_embedded_broker_and_after_it_lost_everything(
    full_stack: FullStack,
) -> None:
    thought = full_stack.post("Before.")
    eventually(lambda: full_stack.is_completed(thought), timeout=60)
    before = running_pids(full_stack.directory)["kafka.1"]
    kill(before)
    eventually(lambda: running_pids(full_stack.directory).get("kafka.1", before) != before)
    eventually(lambda: is_ready(full_stack.directory, "kafka.1"), timeout=60)
    later = full_stack.post("Afterwards.")
    eventually(lambda: full_stack.is_completed(later), timeout=120)
