"""Other accounts of the machine get no data, though they can reach loopback ports and read arguments of processes."""

import stat
from pathlib import Path

import psutil
import psycopg2
import pytest
import redis

from devstack.spec.layout import StackDir
from devstack.stores import redis_server
from devstack.supervisor import logs
from tests.devstack.stacks import PASSWORDS, FullStack, fetch_row, running_pids, status

SECRET_TEXT = "a thought that only its author may read"


def readable_by_others(directory: Path) -> list[str]:
    """Return the paths below a directory that other accounts can read or write; directories end with a slash."""
    mode = directory.stat().st_mode
    paths = [f"{directory}/"] if mode & stat.S_IROTH else []
    for path in directory.iterdir() if mode & stat.S_IXOTH else []:
        if path.is_dir():
            paths += readable_by_others(path)
        elif not path.is_socket() and path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
            paths.append(str(path))
    return paths


def test_other_accounts_can_read_nothing_in_a_stacks_directory(stores_dir: Path, full_stack: FullStack) -> None:
    assert readable_by_others(stores_dir) == []
    assert readable_by_others(full_stack.directory) == []
    private_directories = [stores_dir / name for name in ("postgres", "redis", "kafka", "run", "secrets")]
    assert {path.stat().st_mode & 0o077 for path in private_directories} == {0}


def test_up_corrects_the_permissions_of_an_earlier_stack(tmp_path: Path) -> None:
    stack_dir = StackDir(tmp_path / "stack")
    for directory in (stack_dir.root, stack_dir.log_directory, stack_dir.root / "redis"):
        directory.mkdir()
        directory.chmod(0o777)
    stack_dir.log_file("web.1").touch(mode=0o644)
    (stack_dir.root / "redis" / "appendonly.aof").touch(mode=0o644)
    stack_dir.prepare()
    stack_dir.open_log("web.1")
    redis_server.initialise(stack_dir)
    assert readable_by_others(stack_dir.root) == []
    assert stack_dir.log_directory.stat().st_mode & 0o022 == 0


def test_a_rotated_log_is_private_like_the_log(tmp_path: Path) -> None:
    path = tmp_path / "web.1.log"
    path.write_text("x" * 100)
    path.chmod(0o600)
    logs.rotate(tmp_path, limit=10)
    assert (tmp_path / "web.1.log.1").stat().st_mode & 0o777 == 0o600


def test_redis_requires_the_password(stores_dir: Path) -> None:
    url = status(stores_dir)["redis_url"]
    password = StackDir(stores_dir).secret("redis-password")
    for wrong_url in (url.replace(f":{password}@", ""), url.replace(password, "not-it")):
        with redis.Redis.from_url(wrong_url) as client, pytest.raises(redis.AuthenticationError):
            client.ping()
    with redis.Redis.from_url(url) as client:
        assert client.ping()


def test_no_password_is_in_the_arguments_of_a_process_or_in_a_log(full_stack: FullStack) -> None:
    stack_dir = StackDir(full_stack.directory)
    passwords = [stack_dir.secret(name) for name in (*PASSWORDS, "secret-key")]
    parents = [psutil.Process(pid) for pid in running_pids(full_stack.directory).values()]
    processes = [process for parent in parents for process in (parent, *parent.children(recursive=True))]
    texts = [" ".join(process.cmdline()) for process in processes] + [
        path.read_text() for path in stack_dir.log_directory.iterdir()
    ]
    assert [text for text in texts if any(password in text for password in passwords)] == []
    assert stack_dir.log_file("redis.1").read_text()


def test_postgresql_logs_no_slow_statements_no_failing_statements_and_no_rows(stores_dir: Path) -> None:
    fetch_row(stores_dir, f"SELECT pg_sleep(1.1), '{SECRET_TEXT}'")
    fetch_row(stores_dir, "CREATE TABLE short (text text CHECK (length(text) < 5))")
    with pytest.raises(psycopg2.errors.CheckViolation):
        fetch_row(stores_dir, f"INSERT INTO short VALUES ('{SECRET_TEXT}')")
    log = StackDir(stores_dir).log_file("postgres.1").read_text()
    assert "violates check constraint" in log
    assert SECRET_TEXT not in log
