"""docker-compose.yml holds together: its schema, its names, what it publishes, and what it lets its containers do."""

import os
import shlex
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
RUNNING = [name for name in SERVICES if name not in JOBS]
BEATING = ("relay", "bridge", "worker", "solo", "beat")


def test_the_file_follows_the_compose_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(compose.FILE)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_all_services_are_there() -> None:
    assert set(SERVICES) == {*compose.OURS, *compose.STORES}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_only_for_what_can_happen(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        expected = "service_completed_successfully" if other in JOBS else "service_healthy"
        assert how["condition"] == expected
        assert other in JOBS or SERVICES[other]["healthcheck"]["test"]


@pytest.mark.parametrize("name", SERVICES)
def test_networks_and_volumes_of_a_service_are_declared(name: str) -> None:
    whole = compose.project()
    assert set(SERVICES[name]["networks"]) <= set(whole["networks"])
    volumes = {volume.partition(":")[0] for volume in SERVICES[name].get("volumes", [])}
    assert volumes <= set(whole["volumes"])


def test_only_the_page_and_flower_are_published_and_only_on_the_loopback_address() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"web": ["127.0.0.1:8000:8000"], "flower": ["127.0.0.1:8001:8001"]}
    assert not any("network_mode" in service for service in SERVICES.values())


def test_only_what_is_published_leaves_the_private_network() -> None:
    assert compose.project()["networks"]["inside"] == {"internal": True}
    assert {name for name, service in SERVICES.items() if service["networks"] != ["inside"]} == {"web", "flower"}


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_may_do_more_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("read_only", False) is (name != "kafka")
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert not service.get("privileged")


def test_no_container_runs_as_root() -> None:
    """Ours by the image's USER; Apache Kafka's image has one of its own."""
    assert {name: SERVICES[name].get("user") for name in compose.STORES} == {
        "postgres": "postgres",
        "redis": "redis",
        "kafka": None,
    }
    assert "USER 10001:10001" in (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("name", SERVICES)
def test_what_runs_is_started_again_and_jobs_run_once(name: str) -> None:
    assert SERVICES[name]["restart"] == ("no" if name in JOBS else "unless-stopped")


@pytest.mark.parametrize("name", RUNNING)
def test_everything_that_runs_has_a_health_check(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert compose.seconds(check["timeout"]) < compose.seconds(check["interval"])


@pytest.mark.parametrize("name", compose.STORES)
def test_images_of_others_are_pinned_to_a_version(name: str) -> None:
    version = SERVICES[name]["image"].partition(":")[2]
    assert version.count(".") >= 2, version


def test_one_service_builds_the_image_that_all_of_ours_run() -> None:
    assert [name for name, service in SERVICES.items() if "build" in service] == ["migrate"]
    assert {SERVICES[name]["image"] for name in compose.OURS} == {"thoughts:local"}
    waiting = [name for name in compose.OURS if name != "migrate"]
    assert all("migrate" in SERVICES[name]["depends_on"] for name in waiting)


def test_the_stores_keep_their_data_in_volumes() -> None:
    assert {name: SERVICES[name]["volumes"] for name in compose.STORES} == {
        "postgres": ["postgres:/var/lib/postgresql"],  # the images of 18 and later: not its sub-directory `data`
        "redis": ["redis:/data"],
        "kafka": ["kafka:/var/lib/kafka/data"],
    }


def test_a_first_look_needs_no_env_file() -> None:
    environment = compose.own_environment(SERVICES["web"])
    settings = load_settings(_env_file=None, **{name.lower(): value for name, value in environment.items()})
    assert settings.trust_user_id
    assert settings.secret_key


def test_whoever_decides_about_the_open_api_must_have_a_secret_of_their_own() -> None:
    with pytest.raises(compose.RefusedError, match="SECRET_KEY"):
        compose.services({"TRUST_USER_ID": "false"})
    own = compose.services({"TRUST_USER_ID": "false", "SECRET_KEY": "chosen-at-random"})["web"]["environment"]
    assert (own["TRUST_USER_ID"], own["SECRET_KEY"]) == ("false", "chosen-at-random")


def test_secrets_reach_only_those_who_use_them() -> None:
    holders = {
        secret: {name for name in compose.OURS if secret in SERVICES[name]["environment"]}
        for secret in ("SECRET_KEY", "AI_API_KEY", "FLOWER_BASIC_AUTH")
    }
    assert holders == {"SECRET_KEY": {"web"}, "AI_API_KEY": {"worker", "solo"}, "FLOWER_BASIC_AUTH": {"flower"}}


def test_postgresql_and_its_clients_have_the_same_password() -> None:
    found = compose.services({"POSTGRES_PASSWORD": "p@ss/word"})
    assert found["postgres"]["environment"]["POSTGRES_PASSWORD"] == "p@ss/word"
    assert {found[name]["environment"]["PGPASSWORD"] for name in compose.OURS} == {"p@ss/word"}


@pytest.mark.parametrize(("age", "well"), [(0, True), (25, True), (40, False), (None, False)])
@pytest.mark.parametrize("name", BEATING)
def test_the_age_of_the_heartbeat_decides_about_health(tmp_path: Path, name: str, age: int | None, well: bool) -> None:
    assert (checked(name, aged(tmp_path, age)).returncode == 0) is well


@pytest.mark.parametrize(
    ("age", "ended"), [(0, False), (40, False), (110, False), (130, True), (9000, True), (None, False)]
)
@pytest.mark.parametrize("name", BEATING)
def test_a_heartbeat_that_stays_away_ends_what_runs_in_the_container(
    tmp_path: Path, name: str, age: int | None, ended: bool
) -> None:
    assert ("kill -KILL -1" in checked(name, aged(tmp_path, age)).stdout) is ended
    assert SERVICES[name]["init"]
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize(("status", "well"), [(200, True), (503, False)])
@pytest.mark.parametrize(("name", "path"), [("web", "/health"), ("flower", "/healthcheck")])
def test_the_answer_of_the_page_decides_about_health(name: str, path: str, status: int, well: bool) -> None:
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    port = SERVICES[name]["ports"][0].rpartition(":")[2]
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.handle_request).start()
        test = [word.replace(f":{port}/", f":{server.server_port}/") for word in SERVICES[name]["healthcheck"]["test"]]
        assert test[:2] == ["CMD", "python"]
        done = subprocess.run([sys.executable, *test[2:]], capture_output=True, check=False)
    assert (done.returncode == 0) is well
    assert asked == [path]


def aged(directory: Path, age: int | None) -> Path:
    """A heartbeat file that was touched so many seconds ago, or never."""
    file = directory / "heartbeat"
    if age is not None:
        file.touch()
        os.utime(file, (time.time() - age, time.time() - age))
    return file


def checked(name: str, file: Path) -> "subprocess.CompletedProcess[str]":
    """The service's own health check, run on another file, with a `kill` that only says what it was told."""
    kind, command = SERVICES[name]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    assert SERVICES[name]["environment"]["HEARTBEAT_FILE"].rpartition("/")[0] in SERVICES[name]["tmpfs"]
    environment = {"PATH": os.environ["PATH"], "HEARTBEAT_FILE": str(file)}
    harmless = f'kill() {{ echo "kill $*"; }}\n{command}'
    return subprocess.run(["sh", "-c", harmless], env=environment, capture_output=True, text=True, check=False)


def test_the_health_checks_need_only_what_the_image_has() -> None:
    used = {shlex.split(SERVICES[name]["healthcheck"]["test"][1])[0] for name in (*BEATING, "web", "flower")}
    assert used == {"test", "python"}
