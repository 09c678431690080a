"""contracts/outbox.py names every statement that writes outbox rows, with its columns; and each refers to it."""

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
"""Reads the environment when it is imported, as `celery -A tasks` wants it."""

INSERT = re.compile(r"INSERT INTO outbox \(([^)]*)\)")


def modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        root = importlib.import_module(package)
        for found in pkgutil.walk_packages(root.__path__, f"{package}."):
            if found.name not in ENTRY_POINTS and not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def inserts() -> Iterator[tuple[str, tuple[str, ...]]]:
    """The constant of each statement, and the columns of each of its INSERTs."""
    for module in modules():
        for name, value in vars(module).items():
            if isinstance(value, TextClause) and f"{name}: Final = text(" in inspect.getsource(module):
                for columns in INSERT.findall(value.text):
                    yield f"{module.__name__}.{name}", tuple(column.strip() for column in columns.split(","))


def test_the_table_names_every_insert_with_its_columns() -> None:
    table = {(statement, kind.columns) for kind in ROW_KINDS for statement in kind.written_by}
    assert set(inserts()) == table


def test_every_module_that_inserts_refers_to_the_table() -> None:
    for statement, _ in inserts():
        module = importlib.import_module(statement.rpartition(".")[0])
        assert "contracts/outbox.py" in inspect.getsource(module), statement


def test_the_topics_are_settings() -> None:
    assert (
        {kind.topic for kind in ROW_KINDS}
        == {
            "kafka_topic",
            "kafka_events_topic",
            "kafka_dead_letter_topic",
        }
        <= Settings.model_fields.keys()
    )
