"""After a lack of disk space or of open files, the manager and `status` recover without a person."""

import os
import resource
import shutil
import signal
from pathlib import Path

import psutil
import pytest

from devstack.spec.layout import StackDir, write_private
from devstack.spec.stack import load
from devstack.supervisor import client, locks, pid_records
from tests.devstack.stacks import find_process, kill, running_pids, script_stack, status
from tests.eventually import eventually

SLEEPS = "while :; do sleep 0.05; done"


def start(stack_dir: StackDir) -> None:
    client.start(stack_dir, load(stack_dir).processes)


def marks_its_start(name: str) -> str:
    """Return a script that writes its pid at each start, and then sleeps."""
    return f'echo $$ >>"$TEST_DIR/{name}.pids"; {SLEEPS}'


def started_pids(directory: Path, name: str) -> list[int]:
    file = directory / f"{name}.pids"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


@pytest.mark.parametrize("name", ["relay.1", "postgres.1"])
def test_status_shows_a_process_whose_record_could_not_be_written_at_its_start(tmp_path: Path, name: str) -> None:
    with script_stack(tmp_path, {name: marks_its_start(name)}) as stack_dir:
        start(stack_dir)
        eventually(lambda: started_pids(tmp_path, name))
        pid = running_pids(tmp_path)[name]
        block_record(stack_dir, name)
        kill(pid)
        eventually(lambda: len(started_pids(tmp_path, name)) == 2)
        assert find_process(status(tmp_path), name)["pid"] is None
        stack_dir.record_file(name).rmdir()
        eventually(lambda: find_process(status(tmp_path), name)["pid"] == started_pids(tmp_path, name)[-1])
        assert find_process(status(tmp_path), name)["restarts"] == 1


def block_record(stack_dir: StackDir, name: str) -> None:
    """Make every write of a record fail, as on a full disk: a folder is in the place of the file."""
    stack_dir.record_file(name).unlink()
    stack_dir.record_file(name).mkdir()


def test_status_shows_a_process_whose_record_was_deleted(tmp_path: Path) -> None:
    with script_stack(tmp_path, {"web.1": SLEEPS}) as stack_dir:
        start(stack_dir)
        before = running_pids(tmp_path)
        stack_dir.record_file("web.1").unlink()
        eventually(lambda: running_pids(tmp_path) == before)


def test_a_process_is_restarted_after_the_manager_could_open_no_file_for_a_while(tmp_path: Path) -> None:
    with script_stack(tmp_path, {"relay.1": SLEEPS}) as stack_dir:
        start(stack_dir)
        manager = psutil.Process(locks.holder_pid(stack_dir.manager_lock) or 0)
        soft, hard = manager.rlimit(resource.RLIMIT_NOFILE)
        manager.rlimit(resource.RLIMIT_NOFILE, (3, hard))
        kill(running_pids(tmp_path)["relay.1"])
        log = stack_dir.log_file("manager")
        eventually(lambda: log.read_text().count("Too many open files") >= 2)
        manager.rlimit(resource.RLIMIT_NOFILE, (soft, hard))
        eventually(lambda: list(running_pids(tmp_path)) == ["relay.1"])
        client.stop(stack_dir, load(stack_dir).processes)
        assert running_pids(tmp_path) == {}


def test_a_write_without_space_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    write_private(tmp_path / "file", "old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2, limits[1]))
        try:
            write_private(tmp_path / "file", "a new text")
        except OSError:
            os._exit(0)
        os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", "old")]


def test_a_record_that_is_right_is_not_written_again(tmp_path: Path) -> None:
    stack_dir = StackDir(tmp_path)
    stack_dir.prepare()
    pid_records.write(stack_dir, "relay.1", os.getpid(), 3)
    before = stack_dir.record_file("relay.1").stat().st_ino
    pid_records.restore(stack_dir, "relay.1", os.getpid(), 3)
    assert stack_dir.record_file("relay.1").stat().st_ino == before
    shutil.rmtree(stack_dir.run_directory)
    pid_records.restore(stack_dir, "relay.1", os.getpid(), 3)
