"""docker-compose.yml, the devstack and the code say the same: commands, queues, partitions, settings, servers."""

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

LONGEST_DEADLINE = 480

NOT_SETTINGS = {"PGPASSWORD", "FLOWER_BASIC_AUTH", "FORWARDED_ALLOW_IPS"}
"""Read by libpq, by Flower and by Gunicorn themselves."""

NOT_PASSED_ON = {
    # The stack has servers of its own, and its containers no files of the host.
    "CELERY_BROKER_URL", "KAFKA_SECURITY_PROTOCOL", "KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME",
    "KAFKA_SASL_PASSWORD", "KAFKA_SSL_CA_LOCATION", "KAFKA_SSL_CERTIFICATE_LOCATION", "KAFKA_SSL_KEY_LOCATION",
    "KAFKA_SSL_KEY_PASSWORD", "SCRIPTED_CALL_LOG",
}  # fmt: skip


@pytest.fixture(scope="module")
def defaults() -> Settings:
    return load_settings(_env_file=None, **ADDRESSES)


def test_each_service_runs_the_command_that_the_devstack_runs(tmp_path: Path, defaults: Settings) -> None:
    started = app_processes.app_processes(StackDir(tmp_path), Ports(8000), parse_scale([]), defaults)
    devstack = {each.name.removesuffix(".1"): comparable(each.argv) for each in started}
    assert {name: comparable(SERVICES[name]["command"]) for name in devstack} == devstack


def test_the_tables_are_made_by_the_command_of_the_devstack() -> None:
    assert comparable(SERVICES["migrate"]["command"]) == comparable(app_processes.migration_command())


@pytest.mark.parametrize("name", ["topics", "relay", "bridge"])
def test_the_bridges_commands_are_known_to_it(name: str) -> None:
    python, option, module, *arguments = SERVICES[name]["command"]
    assert (python, option, module) == ("python", "-m", "bridge")
    assert bridge.get_command(click.Context(bridge), arguments[0])
    assert arguments[1:] == []


def test_the_workers_take_the_queues_that_the_bridges_send_to() -> None:
    queues = {name: after(SERVICES[name]["command"], "--queues") for name in ("worker", "solo")}
    assert queues == {"worker": THOUGHTS_QUEUE, "solo": SOLO_QUEUE}


def test_a_worker_has_as_many_slots_as_the_settings_say(defaults: Settings) -> None:
    assert after(SERVICES["worker"]["command"], "--concurrency") == str(defaults.worker_concurrency)
    given = compose.services({"WORKER_CONCURRENCY": "7"})
    assert after(given["worker"]["command"], "--concurrency") == "7"
    assert after(given["solo"]["command"], "--concurrency") == "1"


def test_there_is_a_bridge_for_every_partition(defaults: Settings) -> None:
    assert SERVICES["bridge"]["deploy"]["replicas"] == defaults.kafka_partitions


def test_workers_get_the_time_to_end_their_calls(defaults: Settings) -> None:
    """As the devstack gives it to them, with the longest deadline that the settings take."""
    longest = defaults.model_copy(update={"agent_timeout_seconds": LONGEST_DEADLINE})
    for name in ("worker", "solo"):
        assert compose.seconds(SERVICES[name]["stop_grace_period"]) >= worker_stop_timeout(longest)


def test_no_longer_deadline_is_taken(defaults: Settings) -> None:
    with pytest.raises(SettingsError, match="AGENT_TIMEOUT_SECONDS"):
        load_settings(_env_file=None, **ADDRESSES, agent_timeout_seconds=LONGEST_DEADLINE + 1)


@pytest.mark.parametrize("name", compose.OURS)
def test_a_service_is_told_only_settings_that_there_are(name: str) -> None:
    known = {field.upper() for field in Settings.model_fields} | FORMER_NAMES.keys()
    assert set(SERVICES[name]["environment"]) - NOT_SETTINGS <= known


@pytest.mark.parametrize("name", compose.OURS)
def test_the_settings_of_a_service_are_accepted(name: str) -> None:
    environment = compose.own_environment(SERVICES[name])
    assert load_settings(_env_file=None, **{key.lower(): value for key, value in environment.items()})


def test_gunicorn_is_told_which_proxys_word_it_may_take() -> None:
    """By the name under which Gunicorn itself looks for it."""
    name = "FORWARDED_ALLOW_IPS"
    given = compose.services({name: "172.16.0.0/12"})
    found = {each: compose.own_environment(given[each], {name: "172.16.0.0/12"}).get(name) for each in compose.OURS}
    assert {each for each, value in found.items() if value} == {"web"}
    assert name not in compose.own_environment(SERVICES["web"]), "empty, it would trust nobody, not even this machine"
    code = "from gunicorn.config import Config; print(Config().forwarded_allow_ips)"
    command = [sys.executable, "-c", code]
    told = subprocess.run(command, env={name: str(found["web"])}, check=True, capture_output=True, text=True).stdout
    assert "172.16.0.0/12" in told


@pytest.mark.parametrize("name", compose.OURS)
def test_a_service_is_told_the_former_names_so_that_it_refuses_them(name: str) -> None:
    assert FORMER_NAMES.keys() <= SERVICES[name]["environment"].keys()


def test_every_setting_reaches_somebody() -> None:
    told = {setting for name in compose.OURS for setting in SERVICES[name]["environment"]} - FORMER_NAMES.keys()
    assert {field.upper() for field in Settings.model_fields} - told == NOT_PASSED_ON


def test_the_addresses_are_those_of_the_stacks_own_servers() -> None:
    environment = SERVICES["web"]["environment"]
    hosts = [environment[name] for name in ("DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS")]
    assert [re.split(r"[/@:]+", host)[-3:] for host in hosts] == [
        ["postgres", "5432", "thoughts"],
        ["redis", "6379", "0"],
        ["kafka", "9092"],
    ]
    assert SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://kafka:9092"


def test_kafka_is_set_up_as_in_the_devstack() -> None:
    wanted = {kafka_variable(name): str(value) for name, value in (kafka.NODE_SETTINGS | kafka.GROUP_SETTINGS).items()}
    given = {name: str(value) for name, value in SERVICES["kafka"]["environment"].items()}
    assert {name: given.get(name) for name in wanted} == wanted


def test_kafka_has_the_version_that_the_tests_run_on() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{kafka_version(read_lock())}"


def test_redis_forgets_as_little_as_in_the_devstack(tmp_path: Path) -> None:
    wanted = redis_server.process(StackDir(tmp_path), Ports(8000)).argv
    given = SERVICES["redis"]["command"].split()
    for option in ("--appendonly", "--appendfsync", "--maxmemory-policy"):
        assert after(given, option) == after(wanted, option)


def comparable(command: list[Any]) -> list[str]:
    """A command without what has to differ: the interpreter's place, addresses, the directory, the worker's number."""
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


def after(command: list[Any], option: str) -> str:
    """The value of an option."""
    return str(command[command.index(option) + 1])


def kafka_variable(name: str) -> str:
    """How Apache Kafka's image wants a broker's setting in the environment."""
    return f"KAFKA_{name.upper().replace('.', '_')}"
