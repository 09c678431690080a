"""A stack whose manager runs in a container that shares the directory: its pid means another process here."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.supervisor import client
from tests.devstack.stacks import devstack, script_stack

SLEEPS = "while :; do sleep 0.05; done"


@pytest.fixture
def bystander() -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(["sleep", "300"]) as process:
        yield process
        process.kill()


def test_down_leaves_a_process_alone_that_has_the_pid_of_a_manager_elsewhere(
    tmp_path: Path, bystander: "subprocess.Popen[bytes]"
) -> None:
    with script_stack(tmp_path, {"web.1": SLEEPS}) as stack_dir:
        manager_pid = stack_dir.manager_lock.read_text()
        stack_dir.manager_lock.write_text(str(bystander.pid))
        result = devstack("down", "--dir", str(tmp_path))
        stack_dir.manager_lock.write_text(manager_pid)
        assert result.returncode == 1
        assert "container that shares this folder. Stop it there." in result.stderr
        assert bystander.poll() is None
        assert client.is_manager_running(stack_dir)


def test_a_command_in_a_message_can_be_pasted_into_a_shell(tmp_path: Path) -> None:
    directory = tmp_path / "it's mine; $HOME"
    message = devstack("status", "--dir", str(directory)).stderr
    [_, command] = message.strip().rsplit("Start one with: ", 1)
    words = subprocess.run(["/bin/sh", "-c", f'printf "%s\\n" {command}'], capture_output=True, text=True, check=True)
    assert words.stdout.splitlines()[-1] == str(directory)
