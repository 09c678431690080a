"""`make up KAFKA_ENABLED=false` on a machine that has no Kafka, no Java and no network to fetch them from."""

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

from devstack.spec.ports import accepts
from tests.devstack.stacks import named, status
from tests.eventually import eventually
from tests.ports import free_base
from tests.stores import ROOT

MAKE = shutil.which("make")
KAFKA = 4
"""The port of Kafka, from the stack's first one."""


def installed(directory: Path) -> Path:
    """A place that `make` takes for its finished .venv, with this very Python in it."""
    python = directory / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (directory / "venv" / ".installed").touch()
    return directory / "venv"


@contextmanager
def made_up(directory: Path, base: int, environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """`make up` in the foreground; ended with Ctrl-C."""
    words = ["up", f"VENV={installed(directory)}", f"DIR={directory / 'stack'}", f"PORT={base}", "KAFKA_ENABLED=false"]
    said = (directory / "said").open("w")
    process = subprocess.Popen(
        [MAKE or "make", *words], cwd=ROOT, env=environment, stdout=said, stderr=said, text=True, start_new_session=True
    )
    try:
        eventually(lambda: "Ctrl-C stops everything" in (directory / "said").read_text() or process.poll(), timeout=120)
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        subprocess.run(
            [sys.executable, "-m", "devstack", "down", "--dir", str(directory / "stack")], cwd=ROOT, check=True
        )
        process.wait(60)
        said.close()


@pytest.mark.skipif(MAKE is None, reason="there is no make here")
def test_make_up_without_kafka_needs_none(tmp_path: Path, unreachable: dict[str, str]) -> None:
    base = free_base()
    with made_up(tmp_path, base, unreachable):
        said = (tmp_path / "said").read_text()
        assert "kafka" not in said.lower()
        shown = status(tmp_path / "stack")
        assert (shown["kafka"], shown["kafka_bootstrap"]) == (None, None)
        assert all(each["ready"] and each["kind"] != "kafka" for each in shown["processes"])
        assert named(shown, "bridge.1")
        assert not accepts(base + KAFKA)
        assert not (tmp_path / "stack" / "kafka").exists()
        thought = posted(shown["web_url"])
        command = [sys.executable, "-m", "devstack", "run", "--dir", str(tmp_path / "stack"), "tasks", "batch"]
        done = subprocess.run(command, cwd=ROOT, env=unreachable, capture_output=True, text=True, check=True)
        assert "has ended: 1 thoughts." in done.stdout
        with urllib.request.urlopen(f"{shown['web_url']}/thoughts/{thought}", timeout=30) as answer:
            assert json.load(answer)["status"] == "completed"


def posted(url: str) -> str:
    """A thought that is accepted for tonight."""
    body = json.dumps({"text": "Will this wait?", "user_id": str(uuid4())}).encode()
    request = urllib.request.Request(f"{url}/thoughts", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        accepted = json.load(answer)
    assert accepted["message"] == "Will be analyzed tonight..."
    return str(accepted["id"])
