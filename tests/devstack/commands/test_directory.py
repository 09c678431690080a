"""The directory of a stack: only an empty or an own one is used, and a deleted or moved one hides no process."""

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from devstack.errors import DevstackError
from devstack.spec.layout import StackDir
from devstack.spec.ownership import require_usable
from devstack.supervisor import client, discovery, locks
from tests.devstack.commands.test_foreground import foreground_up
from tests.devstack.stacks import POSTGRES_AND_REDIS, devstack, down, kill, running_pids, script_stack, up
from tests.eventually import eventually
from tests.ports import free_port_base

OTHER_ACCOUNT = 12345


def snapshot(directory: Path) -> dict[str, tuple[int, bytes | None]]:
    """Return the mode and the content of everything in a directory, and of itself."""
    paths = [directory, *directory.rglob("*")]
    return {str(path): (path.stat().st_mode, path.read_bytes() if path.is_file() else None) for path in paths}


def delete(directory: Path) -> None:
    """Delete a folder, and repeat it when a running process has written a file in between."""

    def is_deleted() -> bool:
        shutil.rmtree(directory, ignore_errors=True)
        return not directory.exists()

    eventually(is_deleted)


def write_gitignore(directory: Path) -> None:
    directory.mkdir()
    (directory / ".gitignore").write_text("*.o\n")


def write_same_names(directory: Path) -> None:
    """A person's folder with the same names as a stack's, but without a stack."""
    (directory / "logs").mkdir(parents=True)
    (directory / "stack.json").write_text('{"name": "something else"}')


def write_hidden_folder(directory: Path) -> None:
    (directory / ".config").mkdir(parents=True)


def write_file(directory: Path) -> None:
    directory.write_text("a letter")


def link_to_a_persons_folder(directory: Path) -> None:
    write_gitignore(directory.with_name("real"))
    directory.symlink_to(directory.with_name("real"))


def link_to_itself(directory: Path) -> None:
    directory.symlink_to(directory)


@pytest.mark.parametrize(
    "create",
    [write_gitignore, write_same_names, write_hidden_folder, write_file, link_to_a_persons_folder, link_to_itself],
)
def test_up_refuses_what_a_person_keeps_in_one_line_and_changes_nothing(
    tmp_path: Path, create: Callable[[Path], None]
) -> None:
    create(tmp_path / "x")
    content = {path: path.lstat().st_mode for path in tmp_path.iterdir()}
    before = snapshot(tmp_path / "x") if (tmp_path / "x").exists() else None
    result = devstack("up", "--dir", str(tmp_path / "x"), "--port-base", str(free_port_base()), "--detach")
    assert result.returncode != 0
    assert "Traceback" not in result.stderr
    assert "cannot be used" in result.stderr.splitlines()[-1]
    assert {path: path.lstat().st_mode for path in tmp_path.iterdir()} == content
    assert before is None or snapshot(tmp_path / "x") == before


def test_an_empty_folder_an_own_one_and_one_without_a_marker_of_an_earlier_version_are_used(tmp_path: Path) -> None:
    for unused in (tmp_path, tmp_path / "a" / "new" / "one"):
        require_usable(StackDir(unused))
    with script_stack(tmp_path, {}) as stack_dir:
        require_usable(stack_dir)
    stack_dir.marker.unlink()
    require_usable(stack_dir)


def test_a_folder_whose_preparation_was_interrupted_is_recognised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "chmod", raise_interrupt)
    with pytest.raises(KeyboardInterrupt):
        StackDir(tmp_path / "x").prepare()
    (tmp_path / "x" / "postgres").mkdir()
    require_usable(StackDir(tmp_path / "x"))


def raise_interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_folder_inside_the_folder_of_another_stack_is_refused(tmp_path: Path) -> None:
    StackDir(tmp_path).prepare()
    for name in ("x", "redis/x"):
        with pytest.raises(DevstackError, match=r"inside .* the folder of another stack"):
            require_usable(StackDir(tmp_path / name))


def test_a_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DevstackError, match="cannot be"):
        require_usable(StackDir(tmp_path / "file" / "x"))


@pytest.mark.parametrize("name", ["new\nline", "bell\a", os.fsdecode(b"latin-\xe9")])
def test_a_name_that_no_log_can_show_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DevstackError, match="cannot be used: its name"):
        require_usable(StackDir(tmp_path / name))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for another account")
@pytest.mark.parametrize(
    ("owner", "mode", "reason"), [(0, 0o755, "another account"), (OTHER_ACCOUNT, 0o555, "written")]
)
def test_a_folder_of_another_account_or_without_write_permission_is_refused(
    tmp_path: Path, owner: int, mode: int, reason: str
) -> None:
    (tmp_path / "x").mkdir()
    os.chown(tmp_path / "x", owner, owner)
    (tmp_path / "x").chmod(mode)
    pid = os.fork()
    if pid == 0:
        os.setuid(OTHER_ACCOUNT)
        try:
            require_usable(StackDir(tmp_path / "x"))
        except DevstackError as error:
            os._exit(0 if reason in str(error) else 2)
        os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == mode


def test_a_file_that_a_person_changed_in_an_own_folder_is_kept(tmp_path: Path) -> None:
    StackDir(tmp_path).prepare()
    (tmp_path / ".gitignore").write_text("*\n!notes\n")
    StackDir(tmp_path).prepare()
    assert (tmp_path / ".gitignore").read_text() == "*\n!notes\n"


def test_down_stops_what_runs_when_the_folder_was_deleted_and_up_and_status_say_it(tmp_path: Path) -> None:
    """PostgreSQL ends itself within a minute after its directory was deleted, so only Redis is certain to run."""
    directory, port_base = tmp_path / "x", free_port_base()
    up(directory, port_base, *POSTGRES_AND_REDIS)
    pids = running_pids(directory)
    delete(directory)
    location = ("--dir", str(directory))
    again = devstack("up", *location, "--port-base", str(port_base), *POSTGRES_AND_REDIS, "--detach")
    for result in (again, devstack("status", *location), devstack("stop", "redis", *location)):
        assert (result.returncode, result.stderr.count("\n")) == (1, 1)
        assert re.search(r"still runs \(.*redis\.1\), but its folder was deleted or moved", result.stderr)
    assert not directory.exists()
    assert "redis.1, whose folder" in devstack("down", *location).stdout
    assert [pid for pid in pids.values() if psutil.pid_exists(pid)] == []
    assert "Nothing is running" in devstack("down", *location).stdout
    up(directory, port_base, *POSTGRES_AND_REDIS)
    down(directory)


def test_down_stops_what_runs_without_a_manager_when_the_folder_was_deleted(tmp_path: Path) -> None:
    directory = tmp_path / "x"
    up(directory, free_port_base(), *POSTGRES_AND_REDIS)
    pids = running_pids(directory)
    kill(locks.holder_pid(StackDir(directory).manager_lock) or 0)
    delete(directory)
    assert "redis.1, whose folder" in devstack("down", "--dir", str(directory)).stdout
    eventually(lambda: not [pid for pid in pids.values() if psutil.pid_exists(pid)])


@pytest.mark.parametrize("moved_back", [False, True])
def test_a_moved_stack_is_stopped_at_either_place(tmp_path: Path, moved_back: bool) -> None:
    with script_stack(tmp_path / "x", {"web.1": "exec sleep 600", "worker.1": "exec sleep 601"}) as stack_dir:
        client.start(stack_dir, client.load_stack(stack_dir).processes)
        eventually(lambda: len(discovery.leader_names(discovery.find(stack_dir))) == 2)
        moved = StackDir(stack_dir.root.rename(tmp_path / "y"))
        place = moved if moved_back else stack_dir
        assert devstack("down", "--dir", str(place.root)).returncode == 0
        assert discovery.find(stack_dir) == []
        moved.root.rename(stack_dir.root)


def test_down_stops_what_runs_when_only_the_records_were_deleted(tmp_path: Path) -> None:
    with script_stack(tmp_path / "x", {"web.1": "exec sleep 600"}) as stack_dir:
        client.start(stack_dir, client.load_stack(stack_dir).processes)
        eventually(lambda: discovery.leader_names(discovery.find(stack_dir)))
        delete(stack_dir.run_directory)
        assert devstack("down", "--dir", str(stack_dir.root)).returncode == 0
        assert discovery.find(stack_dir) == []


def test_a_process_of_a_person_in_the_folder_is_never_found(tmp_path: Path) -> None:
    (tmp_path / "x" / "redis").mkdir(parents=True)
    environment = os.environ | {"DEVSTACK_DIR": str(tmp_path)}
    with subprocess.Popen(["/bin/sleep", "600"], cwd=tmp_path / "x" / "redis", env=environment) as process:
        assert discovery.find(StackDir(tmp_path / "x")) == []
        process.kill()


def test_up_in_the_foreground_stops_everything_when_its_folder_is_deleted(tmp_path: Path) -> None:
    with foreground_up(tmp_path) as (process, output):
        pids = running_pids(tmp_path)
        delete(tmp_path)
        assert process.wait(timeout=60) == 1
        assert "was deleted or moved, so everything was stopped" in output()
        assert [pid for pid in pids.values() if psutil.pid_exists(pid)] == []
    tmp_path.mkdir(exist_ok=True)
