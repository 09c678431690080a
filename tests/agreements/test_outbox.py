"""contracts/outbox.py lists every statement that writes outbox rows, and each such module refers to it."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType

from sqlalchemy import TextClause

from contracts.outbox import ROW_KINDS
from contracts.settings import Settings

PACKAGES = ("contracts", "bridge", "tasks", "webapp")
ENTRY_POINTS = {"tasks.celery"}
"""Modules that read the environment when they are imported, as `celery -A tasks` requires."""

INSERT = re.compile(r"INSERT INTO outbox \(([^)]*)\)")


def modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        root = importlib.import_module(package)
        for module in pkgutil.walk_packages(root.__path__, f"{package}."):
            if module.name not in ENTRY_POINTS and not module.name.endswith("__main__"):
                yield importlib.import_module(module.name)


def inserts() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the constant of each statement that writes outbox rows, with the columns of each of its INSERTs."""
    for module in modules():
        for name, value in vars(module).items():
            if isinstance(value, TextClause) and f"{name}: Final = text(" in inspect.getsource(module):
                for columns in INSERT.findall(value.text):
                    yield f"{module.__name__}.{name}", tuple(column.strip() for column in columns.split(","))


def test_row_kinds_lists_every_insert_with_its_columns() -> None:
    listed = {(statement, kind.columns) for kind in ROW_KINDS for statement in kind.written_by}
    assert set(inserts()) == listed


def test_every_module_that_writes_outbox_rows_refers_to_contracts_outbox() -> None:
    for statement, _ in inserts():
        module = importlib.import_module(statement.rpartition(".")[0])
        assert "contracts/outbox.py" in inspect.getsource(module), statement


def test_the_topics_of_row_kinds_are_settings() -> None:
    assert (
        {kind.topic for kind in ROW_KINDS}
        == {
            "kafka_topic",
            "kafka_events_topic",
            "kafka_dead_letter_topic",
        }
        <= Settings.model_fields.keys()
    )
