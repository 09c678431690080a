"""docker-compose.yml, the devstack and the code agree on commands, queues, partitions, settings and servers."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from bridge.commands import bridge
from contracts.queues import SOLO_QUEUE, THOUGHTS_QUEUE
from contracts.settings import FORMER_NAMES, Settings, SettingsError, load_settings
from devstack.commands import app_processes
from devstack.commands.app_processes import worker_stop_timeout
from devstack.spec.layout import StackDir
from devstack.spec.ports import Ports
from devstack.spec.process_kinds import parse_scale
from devstack.stores import kafka, redis_server
from devstack.stores.kafka_lock import kafka_version, read_lock
from tests.agreements import compose

SERVICES = compose.services()
ADDRESSES = {"database_url": "postgresql://x/x", "redis_url": "redis://x", "kafka_bootstrap_servers": "x:1"}

MAX_AGENT_TIMEOUT = 480

NOT_SETTINGS = {"PGPASSWORD", "FLOWER_BASIC_AUTH", "FORWARDED_ALLOW_IPS"}
"""Variables that libpq, Flower and Gunicorn read themselves."""

NOT_PASSED_ON = {
    # The stack has its own servers, and its containers do not see files of the host.
    "CELERY_BROKER_URL", "KAFKA_SECURITY_PROTOCOL", "KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME",
    "KAFKA_SASL_PASSWORD", "KAFKA_SSL_CA_LOCATION", "KAFKA_SSL_CERTIFICATE_LOCATION", "KAFKA_SSL_KEY_LOCATION",
    "KAFKA_SSL_KEY_PASSWORD", "SCRIPTED_CALL_LOG",
    # In a container the loopback address is the container itself.
    "WEBHOOK_LOOPBACK",
}  # fmt: skip


@pytest.fixture(scope="module")
def defaults() -> Settings:
    return load_settings(_env_file=None, **ADDRESSES)


def test_each_service_runs_the_same_command_as_in_the_devstack(tmp_path: Path, defaults: Settings) -> None:
    processes = app_processes.app_processes(StackDir(tmp_path), Ports(8000), parse_scale([]), defaults)
    devstack = {process.name.removesuffix(".1"): comparable(process.argv) for process in processes}
    assert {name: comparable(SERVICES[name]["command"]) for name in devstack} == devstack


def test_the_migration_command_is_the_one_of_the_devstack() -> None:
    assert comparable(SERVICES["migrate"]["command"]) == comparable(app_processes.migration_command())


@pytest.mark.parametrize("name", ["topics", "relay", "bridge"])
def test_the_bridge_has_the_commands_of_the_services(name: str) -> None:
    python, option, module, *arguments = SERVICES[name]["command"]
    assert (python, option, module) == ("python", "-m", "bridge")
    assert bridge.get_command(click.Context(bridge), arguments[0])
    assert arguments[1:] == []


def test_the_workers_consume_the_queues_that_the_bridges_publish_to() -> None:
    queues = {name: option_value(SERVICES[name]["command"], "--queues") for name in ("worker", "solo")}
    assert queues == {"worker": THOUGHTS_QUEUE, "solo": SOLO_QUEUE}


def test_a_worker_has_worker_concurrency_slots(defaults: Settings) -> None:
    assert option_value(SERVICES["worker"]["command"], "--concurrency") == str(defaults.worker_concurrency)
    configured = compose.services({"WORKER_CONCURRENCY": "7"})
    assert option_value(configured["worker"]["command"], "--concurrency") == "7"
    assert option_value(configured["solo"]["command"], "--concurrency") == "1"


def test_there_are_as_many_bridges_as_partitions(defaults: Settings) -> None:
    assert SERVICES["bridge"]["deploy"]["replicas"] == defaults.kafka_partitions


def test_workers_have_enough_time_to_finish_their_calls(defaults: Settings) -> None:
    """At least as much as in the devstack, with the maximum of AGENT_TIMEOUT_SECONDS."""
    longest = defaults.model_copy(update={"agent_timeout_seconds": MAX_AGENT_TIMEOUT})
    for name in ("worker", "solo"):
        assert compose.seconds(SERVICES[name]["stop_grace_period"]) >= worker_stop_timeout(longest)


def test_the_settings_reject_a_longer_agent_timeout(defaults: Settings) -> None:
    with pytest.raises(SettingsError, match="AGENT_TIMEOUT_SECONDS"):
        load_settings(_env_file=None, **ADDRESSES, agent_timeout_seconds=MAX_AGENT_TIMEOUT + 1)


@pytest.mark.parametrize("name", compose.OWN_SERVICES)
def test_a_service_gets_only_settings_that_exist(name: str) -> None:
    names = {field.upper() for field in Settings.model_fields} | FORMER_NAMES.keys()
    assert set(SERVICES[name]["environment"]) - NOT_SETTINGS <= names


@pytest.mark.parametrize("name", compose.OWN_SERVICES)
def test_the_settings_of_a_service_are_accepted(name: str) -> None:
    environment = compose.own_environment(SERVICES[name])
    assert load_settings(_env_file=None, **{key.lower(): value for key, value in environment.items()})


def test_the_trusted_proxies_reach_gunicorn() -> None:
    """Under the name that Gunicorn itself reads."""
    name = "FORWARDED_ALLOW_IPS"
    configured = compose.services({name: "172.16.0.0/12"})
    values = {
        service: compose.own_environment(configured[service], {name: "172.16.0.0/12"}).get(name)
        for service in compose.OWN_SERVICES
    }
    assert {service for service, value in values.items() if value} == {"web"}
    assert name not in compose.own_environment(SERVICES["web"]), (
        "an empty value would trust no proxy, not even this machine"
    )
    code = "from gunicorn.config import Config; print(Config().forwarded_allow_ips)"
    command = [sys.executable, "-c", code]
    output = subprocess.run(command, env={name: str(values["web"])}, check=True, capture_output=True, text=True).stdout
    assert "172.16.0.0/12" in output


@pytest.mark.parametrize("name", compose.OWN_SERVICES)
def test_a_service_gets_the_former_names_so_that_it_rejects_them(name: str) -> None:
    assert FORMER_NAMES.keys() <= SERVICES[name]["environment"].keys()


def test_every_setting_reaches_a_service() -> None:
    passed_on = {
        setting for name in compose.OWN_SERVICES for setting in SERVICES[name]["environment"]
    } - FORMER_NAMES.keys()
    assert {field.upper() for field in Settings.model_fields} - passed_on == NOT_PASSED_ON


def test_the_addresses_point_to_the_stacks_own_servers() -> None:
    environment = SERVICES["web"]["environment"]
    hosts = [environment[name] for name in ("DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS")]
    assert [re.split(r"[/@:]+", host)[-3:] for host in hosts] == [
        ["postgres", "5432", "thoughts"],
        ["redis", "6379", "0"],
        ["kafka", "9092"],
    ]
    assert SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://kafka:9092"


def test_kafka_has_the_settings_of_the_devstack() -> None:
    expected = {
        kafka_variable(name): str(value) for name, value in (kafka.NODE_SETTINGS | kafka.GROUP_SETTINGS).items()
    }
    environment = {name: str(value) for name, value in SERVICES["kafka"]["environment"].items()}
    assert {name: environment.get(name) for name in expected} == expected


def test_kafka_has_the_version_that_the_tests_use() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{kafka_version(read_lock())}"


def test_redis_persists_its_data_as_in_the_devstack(tmp_path: Path) -> None:
    expected = redis_server.process(StackDir(tmp_path), Ports(8000)).argv
    command = SERVICES["redis"]["command"].split()
    for option in ("--appendonly", "--appendfsync", "--maxmemory-policy"):
        assert option_value(command, option) == option_value(expected, option)


def comparable(command: list[Any]) -> list[str]:
    """Return a command with placeholders for what has to differ: interpreter, addresses, directory, worker number."""
    varying = {
        r"^\S*/python[\d.]*$": "python",
        r"^(127\.0\.0\.1|0\.0\.0\.0):\d+$": "ADDRESS",
        r"^--address=(127\.0\.0\.1|0\.0\.0\.0)$": "--address=ADDRESS",
        r"^--port=\d+$": "--port=PORT",
        r"^/\S+/(?=beat\.schedule$)": "DIR/",
        r"\.\d+(?=@%h$)": "",
    }
    words = [str(word) for word in command]
    for pattern, replacement in varying.items():
        words = [re.sub(pattern, replacement, word) for word in words]
    return words


def option_value(command: list[Any], option: str) -> str:
    """Return the value of a command's option."""
    return str(command[command.index(option) + 1])


def kafka_variable(name: str) -> str:
    """Return the environment variable by which Apache Kafka's image reads a broker's setting."""
    return f"KAFKA_{name.upper().replace('.', '_')}"
