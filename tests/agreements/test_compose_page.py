"""docs/compose.md agrees with docker-compose.yml and the code: overrides, memory limits, stop times and images."""

import re
import shlex

import pytest

from bridge.audit import background
from bridge.consumer import kafka_source
from bridge.relay import relay
from bridge.webhooks import sender
from contracts import database, reporter
from contracts.settings import Settings, load_settings
from devstack.commands import app_processes
from devstack.spec.layout import StackDir
from devstack.spec.ports import Ports
from devstack.spec.process_kinds import parse_scale
from tasks import beat_scheduler
from tests.agreements import compose
from tests.stores import ROOT
from webapp import background_calls, gunicorn_conf, mailer

PAGE = (ROOT / "docs" / "compose.md").read_text()
SERVICES = compose.services()
COMMANDS = re.findall(r"^    (.*docker compose .*)$", PAGE, re.MULTILINE)
MEGABYTES = {"m": 1, "g": 1024}

LONGEST_STOP = {
    "bridge": database.STATEMENT_SECONDS + kafka_source.CLOSE_TIMEOUT_SECONDS + reporter.WITHDRAW_SECONDS,
    "relay": (
        database.STATEMENT_SECONDS + relay.STOP_SECONDS + relay.SINGLE_ROWS_SECONDS
        + background.STOP_TIMEOUT_SECONDS + sender.STOP_TIMEOUT_SECONDS + reporter.WITHDRAW_SECONDS
    ),
    "web": (
        gunicorn_conf.graceful_timeout + 2 * background_calls.CLOSE_TIMEOUT_SECONDS + mailer.CLOSE_TIMEOUT_SECONDS
        + reporter.WITHDRAW_SECONDS
    ),
    "beat": beat_scheduler.MAX_SLEEP_SECONDS + database.STATEMENT_SECONDS + reporter.WITHDRAW_SECONDS,
}  # fmt: skip
"""Seconds from SIGTERM to the end when each wait takes as long as the code allows. Workers: test_compose_and_code."""


def overrides(command: str) -> dict[str, str]:
    """Return the variables that a command of the page sets in front of `docker compose`."""
    words = shlex.split(command)
    pairs = (word.partition("=") for word in words[: words.index("docker")])
    return {name: value for name, _, value in pairs}


def table(heading: str) -> list[list[str]]:
    """Return the rows of the first table below a heading."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_page_has_the_overrides_that_people_ask_for() -> None:
    names = {name for command in COMMANDS for name in overrides(command)}
    assert {"PUBLISHED_WEB_PORT", "KAFKA_ENABLED", "OLLAMA_BASE_URL", "TRUST_USER_ID"} <= names


@pytest.mark.parametrize("command", COMMANDS)
def test_each_override_reaches_the_file_and_is_accepted(command: str) -> None:
    variables = overrides(command)
    services = compose.services(variables)
    passed_on = {name for service in compose.OWN_SERVICES for name in services[service]["environment"]}
    assert set(variables) <= compose.variables() | passed_on
    for name in compose.OWN_SERVICES:
        environment = compose.own_environment(services[name], variables)
        assert load_settings(_env_file=None, **{key.lower(): value for key, value in environment.items()})


@pytest.mark.parametrize("command", COMMANDS)
def test_each_scaled_service_exists(command: str) -> None:
    scaled = re.findall(r"--scale (\w+)=\d+", command)
    assert set(scaled) <= set(compose.OWN_SERVICES)


def test_a_model_on_this_machine_has_a_name_in_the_workers_on_linux_too() -> None:
    for name in ("worker", "solo"):
        assert SERVICES[name]["extra_hosts"] == ["host.docker.internal:host-gateway"]


def megabytes(limit: str) -> int:
    return int(limit[:-1]) * MEGABYTES[limit[-1]]


def test_the_page_shows_the_memory_limit_of_every_long_running_service() -> None:
    shown = {service: int(limit) for service, _, limit, _ in table("Memory")}
    actual = {name: megabytes(SERVICES[name]["mem_limit"]) for name in SERVICES if name not in {"migrate", "topics"}}
    assert shown == actual


@pytest.mark.parametrize(("service", "measured", "limit", "_"), table("Memory"))
def test_a_memory_limit_is_at_least_twice_what_was_measured(service: str, measured: str, limit: str, _: str) -> None:
    assert int(limit) >= 2 * int(measured)


@pytest.mark.parametrize("name", LONGEST_STOP)
def test_a_service_is_not_killed_before_it_can_have_ended(name: str) -> None:
    assert compose.seconds(SERVICES[name]["stop_grace_period"]) >= LONGEST_STOP[name]


def test_a_service_may_take_as_long_to_stop_as_in_the_devstack(defaults: Settings) -> None:
    processes = app_processes.app_processes(StackDir(ROOT), Ports(8000), parse_scale([]), defaults)
    for process in processes:
        name = process.name.removesuffix(".1")
        assert compose.seconds(SERVICES[name]["stop_grace_period"]) >= process.stop_timeout, name


def test_the_page_shows_the_longest_stop_and_the_grace_period() -> None:
    shown = {row[0]: (float(row[1]), int(row[3])) for row in table("Stopping") if row[0] in LONGEST_STOP}
    actual = {
        name: (seconds, compose.seconds(SERVICES[name]["stop_grace_period"])) for name, seconds in LONGEST_STOP.items()
    }
    assert shown == actual


def test_the_page_says_how_each_image_is_known() -> None:
    base = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    used = {SERVICES[name]["image"] for name in compose.STORES} | set(base)
    assert {row[0].strip("`") for row in table("Image tags")} == used


@pytest.fixture(scope="module")
def defaults() -> Settings:
    addresses = {"database_url": "postgresql://x/x", "redis_url": "redis://x", "kafka_bootstrap_servers": "x:1"}
    return load_settings(_env_file=None, **addresses)
