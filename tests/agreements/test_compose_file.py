"""docker-compose.yml is consistent: its schema, its names, the published ports and the containers' permissions."""

import os
import shlex
import socket
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from contracts.settings import load_settings
from tests.agreements import compose
from tests.stores import ROOT

SERVICES = compose.services()
JOBS = ("migrate", "topics")
LONG_RUNNING = [name for name in SERVICES if name not in JOBS]
HEARTBEAT_SERVICES = ("relay", "bridge", "worker", "solo", "beat")


def test_the_file_follows_the_compose_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(compose.FILE)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr


def test_all_services_are_defined() -> None:
    assert set(SERVICES) == {*compose.OWN_SERVICES, *compose.STORES}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_only_for_conditions_that_can_occur(name: str) -> None:
    for other, dependency in SERVICES[name].get("depends_on", {}).items():
        expected = "service_completed_successfully" if other in JOBS else "service_healthy"
        assert dependency["condition"] == expected
        assert other in JOBS or SERVICES[other]["healthcheck"]["test"]


@pytest.mark.parametrize("name", SERVICES)
def test_networks_and_volumes_of_a_service_are_declared(name: str) -> None:
    project = compose.project()
    assert set(SERVICES[name]["networks"]) <= set(project["networks"])
    volumes = {volume.partition(":")[0] for volume in SERVICES[name].get("volumes", [])}
    assert volumes <= set(project["volumes"])


def test_only_the_page_and_flower_are_published_and_only_on_the_loopback_address() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"web": ["127.0.0.1:8000:8000"], "flower": ["127.0.0.1:8001:8001"]}
    assert not any("network_mode" in service for service in SERVICES.values())


def test_only_published_services_join_a_network_with_a_connection_to_the_outside() -> None:
    assert compose.project()["networks"]["inside"] == {"internal": True}
    assert {name for name, service in SERVICES.items() if "outside" in service["networks"]} == {"web", "flower"}


def test_only_workers_reach_a_model_service_and_only_when_one_is_used() -> None:
    assert {name for name, service in SERVICES.items() if "models" in service["networks"]} == {"worker", "solo"}
    assert compose.project()["networks"]["models"] == {"internal": "true"}
    assert compose.project({"MODELS_INTERNAL": "false"})["networks"]["models"] == {"internal": "false"}


def test_only_the_relay_reaches_webhooks_and_only_when_it_is_asked_to() -> None:
    assert {name for name, service in SERVICES.items() if "webhooks" in service["networks"]} == {"relay"}
    assert compose.project()["networks"]["webhooks"] == {"internal": "true"}
    assert compose.project({"WEBHOOKS_INTERNAL": "false"})["networks"]["webhooks"] == {"internal": "false"}


def test_the_image_contains_the_libraries_of_models_only_when_it_is_asked_to() -> None:
    assert SERVICES["migrate"]["build"]["args"] == {"REQUIREMENTS": "base"}
    asked = compose.services({"IMAGE_REQUIREMENTS": "models"})["migrate"]
    assert asked["build"]["args"] == {"REQUIREMENTS": "models"}


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_has_more_permissions_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("read_only", False) is (name != "kafka")
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert not service.get("privileged")


def test_no_container_runs_as_root() -> None:
    """Our image and Apache Kafka's image set USER themselves."""
    assert {name: SERVICES[name].get("user") for name in compose.STORES} == {
        "postgres": "postgres",
        "redis": "redis",
        "kafka": None,
    }
    assert "USER 10001:10001" in (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("name", SERVICES)
def test_services_are_restarted_and_jobs_run_once(name: str) -> None:
    assert SERVICES[name]["restart"] == ("no" if name in JOBS else "unless-stopped")


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_every_long_running_service_has_a_health_check(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert compose.seconds(check["timeout"]) < compose.seconds(check["interval"])


@pytest.mark.parametrize("name", compose.STORES)
def test_third_party_images_are_pinned_to_a_version(name: str) -> None:
    version = SERVICES[name]["image"].partition(":")[2]
    assert version.count(".") >= 2, version


def test_one_service_builds_the_image_of_all_own_services() -> None:
    assert [name for name, service in SERVICES.items() if "build" in service] == ["migrate"]
    assert {SERVICES[name]["image"] for name in compose.OWN_SERVICES} == {"thoughts:local"}
    dependents = [name for name in compose.OWN_SERVICES if name != "migrate"]
    assert all("migrate" in SERVICES[name]["depends_on"] for name in dependents)


def test_the_stores_keep_their_data_in_volumes() -> None:
    assert {name: SERVICES[name]["volumes"] for name in compose.STORES} == {
        "postgres": ["postgres:/var/lib/postgresql"],  # since version 18 not the subdirectory `data`
        "redis": ["redis:/data"],
        "kafka": ["kafka:/var/lib/kafka/data"],
    }


def test_the_stack_starts_without_an_env_file() -> None:
    environment = compose.own_environment(SERVICES["web"])
    settings = load_settings(_env_file=None, **{name.lower(): value for name, value in environment.items()})
    assert settings.trust_user_id
    assert settings.secret_key


def test_setting_trust_user_id_requires_a_secret_key() -> None:
    with pytest.raises(compose.MissingVariableError, match="SECRET_KEY"):
        compose.services({"TRUST_USER_ID": "false"})
    own = compose.services({"TRUST_USER_ID": "false", "SECRET_KEY": "chosen-at-random"})["web"]["environment"]
    assert (own["TRUST_USER_ID"], own["SECRET_KEY"]) == ("false", "chosen-at-random")


def test_secrets_reach_only_the_services_that_use_them() -> None:
    holders = {
        secret: {name for name in compose.OWN_SERVICES if secret in SERVICES[name]["environment"]}
        for secret in ("SECRET_KEY", "OPENAI_API_KEY", "FLOWER_BASIC_AUTH")
    }
    assert holders == {"SECRET_KEY": {"web"}, "OPENAI_API_KEY": {"worker", "solo"}, "FLOWER_BASIC_AUTH": {"flower"}}


def test_postgresql_and_its_clients_have_the_same_password() -> None:
    services = compose.services({"POSTGRES_PASSWORD": "p@ss/word"})
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD"] == "p@ss/word"
    assert {services[name]["environment"]["PGPASSWORD"] for name in compose.OWN_SERVICES} == {"p@ss/word"}


@pytest.mark.parametrize(("age", "is_healthy"), [(0, True), (25, True), (40, False), (None, False)])
@pytest.mark.parametrize("name", HEARTBEAT_SERVICES)
def test_a_service_is_healthy_while_its_heartbeat_is_recent(
    tmp_path: Path, name: str, age: int | None, is_healthy: bool
) -> None:
    assert (run_health_check(name, heartbeat_file(tmp_path, age)).returncode == 0) is is_healthy


@pytest.mark.parametrize(
    ("age", "is_killed"), [(0, False), (40, False), (110, False), (130, True), (9000, True), (None, False)]
)
@pytest.mark.parametrize("name", HEARTBEAT_SERVICES)
def test_the_health_check_kills_a_container_whose_heartbeat_is_too_old(
    tmp_path: Path, name: str, age: int | None, is_killed: bool
) -> None:
    assert ("kill -KILL -1" in run_health_check(name, heartbeat_file(tmp_path, age)).stdout) is is_killed
    assert SERVICES[name]["init"]
    assert SERVICES[name]["restart"] == "unless-stopped"


PROXY = "http://127.0.0.1:9"
"""A proxy that nothing listens on."""


@pytest.mark.parametrize(
    "proxies",
    [
        {},
        {"http_proxy": PROXY},
        {"HTTP_PROXY": PROXY, "HTTPS_PROXY": PROXY, "https_proxy": PROXY},
        {"all_proxy": PROXY, "ALL_PROXY": "socks5://127.0.0.1:9"},
        {"http_proxy": PROXY, "no_proxy": ""},
        {"http_proxy": PROXY, "NO_PROXY": "example.org,.internal,10.0.0.0/8"},
        {"http_proxy": "not a url"},
    ],
)
@pytest.mark.parametrize(("status", "is_healthy"), [(200, True), (503, False)])
@pytest.mark.parametrize(("name", "path"), [("web", "/health"), ("flower", "/healthcheck")])
def test_a_web_service_is_healthy_while_it_answers_200_whatever_proxies_there_are(
    name: str, path: str, status: int, is_healthy: bool, proxies: dict[str, str]
) -> None:
    requested_paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requested_paths.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    port = SERVICES[name]["ports"][0].rpartition(":")[2]
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.handle_request).start()
        command = [
            word.replace(f":{port}/", f":{server.server_port}/") for word in SERVICES[name]["healthcheck"]["test"]
        ]
        assert command[:2] == ["CMD", "python"]
        environment = {"PATH": os.environ["PATH"], **proxies}
        process = subprocess.run([sys.executable, *command[2:]], env=environment, capture_output=True, check=False)
        if not requested_paths:  # the check asked a proxy: let the thread of the server end
            socket.create_connection(("127.0.0.1", server.server_port)).close()
    assert (process.returncode == 0) is is_healthy
    assert requested_paths == [path]


def heartbeat_file(directory: Path, age: int | None) -> Path:
    """Return a heartbeat file that was touched `age` seconds ago, or that does not exist."""
    file = directory / "heartbeat"
    if age is not None:
        file.touch()
        os.utime(file, (time.time() - age, time.time() - age))
    return file


def run_health_check(name: str, file: Path) -> "subprocess.CompletedProcess[str]":
    """Run a service's health check on another file, with a `kill` that only prints its arguments."""
    kind, command = SERVICES[name]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    assert SERVICES[name]["environment"]["HEARTBEAT_FILE"].rpartition("/")[0] in SERVICES[name]["tmpfs"]
    environment = {"PATH": os.environ["PATH"], "HEARTBEAT_FILE": str(file)}
    script = f'kill() {{ echo "kill $*"; }}\n{command}'
    return subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, check=False)


def test_the_health_checks_use_only_commands_of_the_image() -> None:
    commands = {
        shlex.split(SERVICES[name]["healthcheck"]["test"][1])[0] for name in (*HEARTBEAT_SERVICES, "web", "flower")
    }
    assert commands == {"test", "python"}
