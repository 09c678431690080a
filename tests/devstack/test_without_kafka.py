"""`make up KAFKA_ENABLED=false` on a machine without Kafka, without Java and without network access."""

import json
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from devstack.spec.ports import accepts_connections
from tests.devstack.stacks import find_process, status
from tests.eventually import eventually
from tests.ports import free_port_base
from tests.stores import ROOT

MAKE = shutil.which("make")
KAFKA_PORT_OFFSET = 4
"""Offset of Kafka's port from the port base."""


def create_venv(directory: Path) -> Path:
    """Create a directory that `make` accepts as a finished .venv, with this Python."""
    python = directory / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (directory / "venv" / ".installed").touch()
    return directory / "venv"


@contextmanager
def running_make_up(directory: Path, port_base: int, environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """Run `make up` in the foreground, and stop it as with Ctrl-C after the block."""
    arguments = [
        "up",
        f"VENV={create_venv(directory)}",
        f"DIR={directory / 'stack'}",
        f"PORT={port_base}",
        "KAFKA_ENABLED=false",
    ]
    output = (directory / "output").open("w")
    process = subprocess.Popen(
        [MAKE or "make", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=output,
        stderr=output,
        text=True,
        start_new_session=True,
    )
    try:
        eventually(lambda: "Press Ctrl-C" in (directory / "output").read_text() or process.poll(), timeout=120)
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        subprocess.run(
            [sys.executable, "-m", "devstack", "down", "--dir", str(directory / "stack")], cwd=ROOT, check=True
        )
        process.wait(60)
        output.close()


@pytest.mark.skipif(MAKE is None, reason="make is not installed")
def test_make_up_without_kafka_needs_no_kafka(tmp_path: Path, offline_environment: dict[str, str]) -> None:
    port_base = free_port_base()
    with running_make_up(tmp_path, port_base, offline_environment):
        output = (tmp_path / "output").read_text()
        assert "kafka" not in output.lower()
        description = status(tmp_path / "stack")
        assert (description["kafka"], description["kafka_bootstrap"]) == (None, None)
        assert all(process["ready"] and process["kind"] != "kafka" for process in description["processes"])
        assert find_process(description, "bridge.1")
        assert not accepts_connections(port_base + KAFKA_PORT_OFFSET)
        assert not (tmp_path / "stack" / "kafka").exists()
        thought = post_thought(description["web_url"])
        command = [sys.executable, "-m", "devstack", "run", "--dir", str(tmp_path / "stack"), "tasks", "batch"]
        result = subprocess.run(command, cwd=ROOT, env=offline_environment, capture_output=True, text=True, check=True)
        assert "has ended: 1 thought." in result.stdout
        with urllib.request.urlopen(f"{description['web_url']}/thoughts/{thought}", timeout=30) as response:
            assert json.load(response)["status"] == "completed"


def post_thought(url: str) -> str:
    """Submit a thought, check that it is accepted for the nightly batch, and return its id."""
    body = json.dumps({"text": "Will this wait?", "user_id": str(uuid4())}).encode()
    request = urllib.request.Request(f"{url}/thoughts", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        accepted = json.load(response)
    assert accepted["message"] == "Will be analyzed tonight..."
    return str(accepted["id"])
