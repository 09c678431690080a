"""What other accounts of the machine can get at: everybody reaches a loopback port and reads argument lists."""

import stat
from pathlib import Path

import psutil
import psycopg2
import pytest
import redis

from devstack.spec.layout import StackDir
from devstack.stores import redis_server
from devstack.supervisor import logs
from tests.devstack.stacks import PASSWORDS, Whole, ask, pids, status

SECRET_TEXT = "a thought that nobody else may read"


def readable_by_others(directory: Path) -> list[str]:
    """What others can read of a directory into which they can walk; directories with a closing slash."""
    mode = directory.stat().st_mode
    found = [f"{directory}/"] if mode & stat.S_IROTH else []
    for path in directory.iterdir() if mode & stat.S_IXOTH else []:
        if path.is_dir():
            found += readable_by_others(path)
        elif not path.is_socket() and path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
            found.append(str(path))
    return found


def test_others_may_walk_to_the_stores_but_read_nothing(stack: Path, whole: Whole) -> None:
    assert readable_by_others(stack) == []
    assert readable_by_others(whole.directory) == []
    closed = [stack / name for name in ("postgres", "redis", "kafka", "run", "secrets")]
    assert {path.stat().st_mode & 0o077 for path in closed} == {0}


def test_what_an_earlier_stack_left_open_is_closed(tmp_path: Path) -> None:
    home = StackDir(tmp_path / "stack")
    for directory in (home.root, home.logs, home.root / "redis"):
        directory.mkdir()
        directory.chmod(0o777)
    home.log("web.1").touch(mode=0o644)
    (home.root / "redis" / "appendonly.aof").touch(mode=0o644)
    home.prepare()
    home.open_log("web.1")
    redis_server.initialise(home)
    assert readable_by_others(home.root) == []
    assert home.logs.stat().st_mode & 0o022 == 0


def test_what_was_moved_out_of_a_log_is_as_closed_as_the_log(tmp_path: Path) -> None:
    path = tmp_path / "web.1.log"
    path.write_text("x" * 100)
    path.chmod(0o600)
    logs.rotate(tmp_path, limit=10)
    assert (tmp_path / "web.1.log.1").stat().st_mode & 0o777 == 0o600


def test_redis_wants_the_password(stack: Path) -> None:
    address = status(stack)["redis_url"]
    password = StackDir(stack).secret("redis-password")
    for wrong in (address.replace(f":{password}@", ""), address.replace(password, "not-it")):
        with redis.Redis.from_url(wrong) as client, pytest.raises(redis.AuthenticationError):
            client.ping()
    with redis.Redis.from_url(address) as client:
        assert client.ping()


def test_no_password_is_among_the_arguments_or_in_a_log(whole: Whole) -> None:
    home = StackDir(whole.directory)
    passwords = [home.secret(name) for name in (*PASSWORDS, "secret-key")]
    parents = [psutil.Process(pid) for pid in pids(whole.directory).values()]
    family = [each for parent in parents for each in (parent, *parent.children(recursive=True))]
    texts = [" ".join(each.cmdline()) for each in family] + [path.read_text() for path in home.logs.iterdir()]
    assert [text for text in texts if any(password in text for password in passwords)] == []
    assert home.log("redis.1").read_text()


def test_postgresql_logs_neither_a_slow_nor_a_failing_statement_nor_the_row_of_it(stack: Path) -> None:
    ask(stack, f"SELECT pg_sleep(1.1), '{SECRET_TEXT}'")
    ask(stack, "CREATE TABLE short (text text CHECK (length(text) < 5))")
    with pytest.raises(psycopg2.errors.CheckViolation):
        ask(stack, f"INSERT INTO short VALUES ('{SECRET_TEXT}')")
    said = StackDir(stack).log("postgres.1").read_text()
    assert "violates check constraint" in said
    assert SECRET_TEXT not in said
