"""The sources keep the rules of CONTRIBUTING that a linter does not know."""

import ast
import re
from collections.abc import Iterator

import pytest

from bridge.audit.queries import STALLED, WITHOUT_RECORD
from bridge.consumer.lease import MAX_LEASE_DOUBLINGS
from bridge.relay.sweep import SWEEP
from contracts.events import EVENT_TYPES, PROGRESS_TYPE
from tests.agreements.test_project import PACKAGES, tracked_files
from tests.stores import ROOT

MAX_LINES = 300
PYTHON_FILES = [path for path in tracked_files() if path.suffix == ".py"]


def is_statement(node: ast.stmt) -> bool:
    """Return whether a node assigns a public SQL statement: `NAME = text(...)` in upper case."""
    match node:
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.Call(func=ast.Name(id="text" | "sql"))):
            return name.isupper() and not name.startswith("_")
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id="text" | "sql"))):
            return name.isupper() and not name.startswith("_")
        case _:
            return False


def statements_without_text(source: str) -> Iterator[int]:
    """Yield the lines of SQL statements that no string follows, which says what the statement promises."""
    body = ast.parse(source).body
    for node, following in zip(body, [*body[1:], None], strict=True):
        has_text = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
        if is_statement(node) and not has_text:
            yield node.lineno


def test_no_file_is_longer_than_the_limit() -> None:
    lengths = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in PYTHON_FILES}
    assert {path: length for path, length in lengths.items() if length > MAX_LINES} == {}


@pytest.mark.parametrize("package", [name for name in PACKAGES if name != "migrations"])
def test_each_statement_says_what_it_promises(package: str) -> None:
    files = [path for path in PYTHON_FILES if path.is_relative_to(ROOT / package)]
    assert [f"{path}:{line}" for path in files for line in statements_without_text(path.read_text())] == []


def test_a_statement_without_a_text_is_found() -> None:
    source = 'A: Final = text("SELECT 1")\n"""Answers."""\nB: Final = text("SELECT 2")\nC = sql("SELECT 3")\n'
    assert list(statements_without_text(source)) == [3, 4]


def test_the_page_listens_to_every_event_to_the_reset_and_to_partial_texts() -> None:
    script = (ROOT / "webapp" / "static" / "live.js").read_text()
    listed = re.search(r"const EVENTS = \[([^]]*)\]", script)
    progress = re.search(r'const PROGRESS_EVENT = "(\w+)"', script)
    assert listed
    assert progress
    assert set(re.findall(r'"(\w+)"', listed[1])) == EVENT_TYPES | {"reset"}
    assert progress[1] == PROGRESS_TYPE
    assert PROGRESS_TYPE not in EVENT_TYPES, "the events of that set are stored"


def test_the_audit_expects_a_reemission_when_the_sweep_makes_it() -> None:
    pause = "interval '5 min' * 2 ^ LEAST(t.emissions, 6)"
    assert pause in SWEEP.text
    assert pause in WITHOUT_RECORD.text


def test_the_audit_expects_a_takeover_after_the_lease_of_the_lane() -> None:
    assert f":lease_seconds * 2 ^ LEAST(GREATEST(t.sends - 1, 0), {MAX_LEASE_DOUBLINGS})" in STALLED.text
