"""Real processes of Celery, Flower and gunicorn with variables that their libraries read behind the settings."""

import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from contracts.settings import Settings
from tasks.application import create_app
from tests.eventually import eventually
from tests.stores import ROOT
from tests.tasks.worker_processes import environment
from tests.webapp.web_processes import GUNICORN, find_free_port

WORKER = ("celery", "-A", "tasks", "worker", "--pool", "threads", "--queues", "thoughts")
BEAT = ("celery", "-A", "tasks", "beat")
FLOWER = ("celery", "-A", "tasks", "flower")
BRIDGE = ("bridge", "run")
OTHER_REDIS = "redis://127.0.0.1:1/0"


@pytest.mark.parametrize(
    ("command", "name", "value"),
    [
        (WORKER, "CELERY_BROKER_READ_URL", OTHER_REDIS),
        (WORKER, "CELERY_WORKER_PURGE", "1"),
        (WORKER, "BROKER_URL", OTHER_REDIS),
        (BEAT, "CELERY_RESULT_BACKEND", OTHER_REDIS),
        (BRIDGE, "CELERY_BROKER_WRITE_URL", OTHER_REDIS),
        (FLOWER, "FLOWER_UNIX_SOCKET", "/nonexistent/socket"),
    ],
)
def test_a_process_stops_with_one_line(settings: Settings, command: tuple[str, ...], name: str, value: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT, env=environment(settings, **{name: value}), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert result.returncode == 1
    assert result.stderr.startswith(f"Cannot start. {name}: ")
    assert result.stderr.count("\n") == 1


def test_gunicorn_stops_before_it_leaves_the_terminal(settings: Settings, tmp_path: Path) -> None:
    variables = environment(settings, GUNICORN_CMD_ARGS=f"--daemon --pid {tmp_path / 'pid'}")
    command = [*GUNICORN, "--bind", f"127.0.0.1:{find_free_port()}", "webapp:create_app()"]
    result = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith("Cannot start. GUNICORN_CMD_ARGS: ")
    assert not (tmp_path / "pid").exists()


def test_flower_serves_on_its_own_port_despite_a_kubernetes_service_named_flower(
    settings: Settings, tmp_path: Path
) -> None:
    port = find_free_port()
    command = [sys.executable, "-m", *FLOWER, "--address=127.0.0.1", f"--port={port}"]
    variables = environment(settings, FLOWER_PORT="tcp://10.0.0.9:8001", FLOWER_SERVICE_PORT="8001")
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=log, stderr=log)
    try:
        eventually(lambda: answers(f"http://127.0.0.1:{port}/healthcheck") or process.poll() is not None, timeout=60)
        assert process.poll() is None, (tmp_path / "log").read_text()
    finally:
        process.terminate()
        process.wait(30)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def test_the_application_reads_and_writes_the_broker_of_the_settings(settings: Settings) -> None:
    conf = create_app(settings).conf
    assert {conf.broker_url, conf.broker_read_url, conf.broker_write_url} == {settings.broker_url}
    assert (conf.result_backend, bool(conf.task_always_eager)) == (None, False)
