"""A plugin of pytest (`-p tests.simulation.without`): runs tests that show a guard, each without it, and fails when one
of them does not notice. Other tests are left out."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import TextClause
from sqlalchemy.exc import DBAPIError

from tests.simulation.switches import switched_off
from tests.simulation.tested import TESTED, Shown

TESTS = Path(__file__).parents[1]

HIDDEN = "without"
MISSED: dict[str, set[str]] = {}
"""Guard -> how its tests ended."""


@contextmanager
def removed(name: str) -> Iterator[None]:
    """The code without this guard."""
    shown = TESTED[name]
    with switched_off(frozenset({name})) if not shown.statement else _cut(shown):
        yield


@contextmanager
def _cut(shown: Shown) -> Iterator[None]:
    module, _, constant = shown.statement.rpartition(".")
    statement: TextClause = getattr(import_module(module), constant)
    words = " ".join(statement.text.split())
    for found, left in shown.cuts:
        assert found in words, f"{shown.statement} has no {found!r}"
        words = words.replace(found, left)
    with patch.object(statement, "text", words):
        yield


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    path = metafunc.definition.path
    names = [
        name
        for name, shown in TESTED.items()
        if TESTS / shown.file == path and shown.function == metafunc.function.__name__
    ]
    if names:
        metafunc.fixturenames.append(HIDDEN)
        metafunc.parametrize(HIDDEN, names, indirect=True)


@pytest.fixture
def without(request: pytest.FixtureRequest) -> str:
    """The guard of this run of a test."""
    return str(request.param)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Any:
    """The guard goes when everything that the test needs is there, and comes back first."""
    guard = _guard(pyfuncitem)
    with removed(guard) if guard else nullcontext():
        return (yield)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    others = [item for item in items if _guard(item) is None]
    for name in {_guard(item) for item in items} - {None}:
        MISSED[str(name)] = set()
    items[:] = [item for item in items if _guard(item) is not None]
    config.hook.pytest_deselected(items=others)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: "pytest.CallInfo[None]") -> Any:
    """A statement that cannot be understood any more is no test that noticed: class 42 of SQLSTATE."""
    report = yield
    guard = _guard(item)
    if guard is not None and report.when == "call":
        error = call.excinfo.value if call.excinfo else None
        code = str(getattr(getattr(error, "orig", None), "pgcode", "")) if isinstance(error, DBAPIError) else ""
        MISSED[guard].add("broken" if code.startswith("42") else report.outcome)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Well is what failed; of a test with several parameters one is enough."""
    session.exitstatus = 0 if MISSED and not _unnoticed() else 1


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for line in _unnoticed():
        terminalreporter.line(line)


def _unnoticed() -> list[str]:
    return [
        f"nobody notices that {name} is missing: its tests ended {', '.join(sorted(ends)) or 'before they began'}"
        for name, ends in MISSED.items()
        if "failed" not in ends or "broken" in ends
    ]


def _guard(item: pytest.Item) -> str | None:
    spec = getattr(item, "callspec", None)
    found = spec.params.get(HIDDEN) if spec else None
    return None if found is None else str(found)
