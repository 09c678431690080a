"""What spoils pooled sessions ends them in every process: nothing has to be restarted when the cause is gone."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.eventually import eventually
from tests.faults.refusing_stores import assert_no_restart, is_refused, restarts_of_apps, submit_until_under_way
from tests.faults.store_states import TERMINATE
from tests.faults.workload import assert_completed_in_order, submit_thoughts
from tests.running_stack import Stack
from tests.stores import execute, with_database


def servers_of(stack: Stack) -> tuple[str, str]:
    """Return the URLs of the stack's database and of the server's own."""
    url = str(stack.initial_status["database_url"])
    return url, with_database(url, "postgres")


@contextmanager
def missing_table(stack: Stack) -> Iterator[None]:
    """Rename a table that every process uses: the plans of all sessions lead nowhere."""
    url, _ = servers_of(stack)
    execute(url, "ALTER TABLE thoughts RENAME TO thoughts_of_before")
    try:
        yield
    finally:
        execute(url, "ALTER TABLE thoughts_of_before RENAME TO thoughts")


@contextmanager
def refused_connections(stack: Stack) -> Iterator[None]:
    """Let nobody connect to the database, and end the sessions, as while a server is moved."""
    url, server = servers_of(stack)
    name = url.rpartition("/")[2]
    execute(server, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false', TERMINATE.format(name))
    try:
        yield
    finally:
        execute(server, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


@contextmanager
def other_role(stack: Stack) -> Iterator[None]:
    """Begin all sessions with a role that may read and not write; they keep it afterwards."""
    url, server = servers_of(stack)
    name = url.rpartition("/")[2]
    execute(server, f'ALTER DATABASE "{name}" SET role = pg_read_all_data', TERMINATE.format(name))
    try:
        yield
    finally:
        execute(server, f'ALTER DATABASE "{name}" RESET role')


@pytest.mark.parametrize("fault", [missing_table, refused_connections, other_role])
def test_work_continues_in_the_same_processes_when_the_cause_is_gone(
    stack: Stack, fault: Callable[[Stack], AbstractContextManager[None]]
) -> None:
    restarts = restarts_of_apps(stack)
    submitted = submit_until_under_way(stack)
    with fault(stack):
        eventually(lambda: is_refused(stack))
    assert assert_completed_in_order(stack, submitted) == 0
    assert assert_completed_in_order(stack, submit_thoughts(stack, users=2, per_user=2)) == 0
    assert_no_restart(stack, restarts)
