"""A pytest plugin (`-p tests.simulation.guard_removal`): runs the tests of `guard_tests.py`, each without its guard.

The run fails when a test passes all the same. All other tests are deselected.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import TextClause
from sqlalchemy.exc import DBAPIError

from tests.simulation.guard_switches import switched_off
from tests.simulation.guard_tests import GUARD_TESTS, GuardTest

TESTS = Path(__file__).parents[1]

FIXTURE = "removed_guard"
REPORTS: dict[str, set[str]] = {}
"""Guard -> the outcomes of its tests."""

ORIGINAL_SQL: dict[str, str] = {}
"""The text of each statement that was cut."""


class GuardNotFoundError(Exception):
    """Raised when the code has no such guard; the table names another statement or another part of its text."""


@contextmanager
def removed(name: str) -> Iterator[None]:
    """Remove this guard from the code."""
    guard_test = GUARD_TESTS[name]
    with switched_off(frozenset({name})) if not guard_test.statement else _statement_cut(guard_test):
        yield


@contextmanager
def _statement_cut(guard_test: GuardTest) -> Iterator[None]:
    statement = _statement(guard_test.statement)
    sql = " ".join(ORIGINAL_SQL.setdefault(guard_test.statement, statement.text).split())
    for old, new in guard_test.cuts:
        if old not in sql:
            raise GuardNotFoundError(f"{guard_test.statement} has no {old!r}")
        sql = sql.replace(old, new)
    with patch.object(statement, "text", sql):
        yield


def _statement(name: str) -> TextClause:
    module, _, constant = name.rpartition(".")
    statement: TextClause | None = getattr(import_module(module), constant, None)
    if statement is None:
        raise GuardNotFoundError(f"{module} has no {constant}")
    return statement


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    path = metafunc.definition.path
    names = [
        name
        for name, guard_test in GUARD_TESTS.items()
        if TESTS / guard_test.file == path and guard_test.function == metafunc.function.__name__
    ]
    if names:
        metafunc.fixturenames.append(FIXTURE)
        metafunc.parametrize(FIXTURE, names, indirect=True)


@pytest.fixture
def removed_guard(request: pytest.FixtureRequest) -> str:
    """The guard that this run of a test removes."""
    return str(request.param)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Any:
    """Remove the guard after the set-up of all fixtures, and put it back before their teardown."""
    guard = _guard(pyfuncitem)
    with removed(guard) if guard else nullcontext():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Any:
    """Restore all statements: the undo of a test's own monkeypatch puts a statement back without its guard."""
    result = yield
    for name, sql in ORIGINAL_SQL.items():
        _statement(name).text = sql
    return result


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    others = [item for item in items if _guard(item) is None]
    for name in {_guard(item) for item in items} - {None}:
        REPORTS[str(name)] = set()
    items[:] = [item for item in items if _guard(item) is not None]
    config.hook.pytest_deselected(items=others)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: "pytest.CallInfo[None]") -> Any:
    """Record the outcome. Invalid SQL (class 42 of SQLSTATE) or a missing guard is `broken`, and proves nothing."""
    report = yield
    guard = _guard(item)
    if guard is not None and report.when == "call":
        REPORTS[guard].add("broken" if _is_broken(call.excinfo.value if call.excinfo else None) else report.outcome)
    return report


def _is_broken(error: BaseException | None) -> bool:
    if isinstance(error, DBAPIError):
        return str(getattr(error.orig, "pgcode", "")).startswith("42")
    return isinstance(error, GuardNotFoundError)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Exit with 0 when every guard made its test fail; of a parametrized test, one failure is enough."""
    session.exitstatus = 0 if REPORTS and not _undetected() else 1


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for line in _undetected():
        terminalreporter.line(line)


def _undetected() -> list[str]:
    return [
        f"no test fails without {name}: its tests ended as {', '.join(sorted(outcomes)) or 'nothing'}"
        for name, outcomes in REPORTS.items()
        if "failed" not in outcomes or "broken" in outcomes
    ]


def _guard(item: pytest.Item) -> str | None:
    spec = getattr(item, "callspec", None)
    name = spec.params.get(FIXTURE) if spec else None
    return None if name is None else str(name)
