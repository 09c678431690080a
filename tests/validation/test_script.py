"""`validate.sh` finds the installation, and runs the validation where its servers can be reached."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.stores import ROOT

DOCKER = """#!/bin/sh
case "$*" in
  "compose ps --status running --services") printf '{services}'; exit {status} ;;
  *) echo "docker $*"; exit 7 ;;
esac
"""


def run_script(
    directory: Path, *arguments: str, services: str | None = None, status: int = 0
) -> "subprocess.CompletedProcess[str]":
    """Run the script where no devstack runs. `services` are those that Docker Compose says are running."""
    path = directory / "bin"
    path.mkdir()
    if services is not None:
        (path / "docker").write_text(DOCKER.format(services=services, status=status))
        (path / "docker").chmod(0o755)
    environment = os.environ | {"DIR": str(directory / "stack"), "PATH": f"{path}:{os.environ['PATH']}"}
    return subprocess.run(
        [ROOT / "validate.sh", *arguments], env=environment, cwd=directory, capture_output=True, text=True, check=False
    )


def test_a_compose_stack_is_validated_in_the_container_of_the_web(tmp_path: Path) -> None:
    result = run_script(tmp_path, "--seconds", "600", services="kafka\\nworker\\nweb\\nrelay\\n")
    assert result.stdout == "docker compose exec -T web python -m validation --seconds 600\n"
    assert result.returncode == 7, "the exit status is the one of the validation"


@pytest.mark.parametrize("services", ["worker\\nbridge\\n", "kafka\\nbridge\\nredis\\n", "website\\nbridge\\n"])
def test_without_a_running_web_another_container_runs_it(tmp_path: Path, services: str) -> None:
    result = run_script(tmp_path, services=services)
    assert result.stdout == "docker compose exec -T bridge python -m validation --base-url http://web:8000\n"


@pytest.mark.parametrize(("services", "status"), [(None, 0), ("", 0), ("postgres\\nredis\\n", 0), ("", 1)])
def test_without_any_stack_one_line_says_how_to_start_one(tmp_path: Path, services: str | None, status: int) -> None:
    result = run_script(tmp_path, services=services, status=status)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Nothing to validate: no stack runs in {tmp_path}/stack")
    assert "make up" in result.stderr


def test_the_script_runs_in_its_own_folder_whatever_the_search_path_of_cd_is(tmp_path: Path) -> None:
    (tmp_path / ROOT.name).mkdir()
    environment = os.environ | {"CDPATH": str(tmp_path), "DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    command = ["/bin/sh", f"{ROOT.name}/validate.sh", "--base-url", "ftp://127.0.0.1"]
    result = subprocess.run(command, env=environment, cwd=ROOT.parent, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (2, "")
    assert "write the address of the page" in result.stderr


def test_with_a_base_url_the_addresses_of_the_environment_are_used(tmp_path: Path) -> None:
    result = run_script(tmp_path, "--base-url", "ftp://127.0.0.1", services="web\\n")
    assert (result.returncode, result.stdout) == (2, "")
    assert "write the address of the page" in result.stderr


@pytest.mark.parametrize("name", ["KAFKA_MODE", "KAFKA_ENABLED"])
def test_batch_mode_is_refused_in_one_line(name: str) -> None:
    """Its thoughts wait for the night, so no step from the bridge on could pass."""
    addresses = {"DATABASE_URL": "postgresql://x/x", "REDIS_URL": "redis://x", "KAFKA_BOOTSTRAP_SERVERS": "x:1"}
    environment = os.environ | addresses | {name: "false"}
    command = [str(ROOT / "validate.sh"), "--base-url", "http://127.0.0.1:9"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("Cannot validate: ")
    assert len(result.stderr.splitlines()) == 1
