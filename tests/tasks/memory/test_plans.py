"""The reads of the memory find their rows by indexes, as the plans of a worker's connection show."""

import re
from typing import Any, Final
from uuid import uuid4

import pytest
from sqlalchemy import TextClause, text

from contracts.settings import Settings
from tasks.memory import statements
from tasks.worker import _make_step_store

PARAMETERS: Final[dict[str, Any]] = {
    "id": uuid4(), "user": uuid4(), "source": uuid4(), "model": "a model", "concluding_agent": "priority",
    "similarity": 0.9, "limit": 5, "dispatch_id": 1, "step": 1, "steps": 5, "key": "a key", "agent": "analysis",
}  # fmt: skip


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (statements.SIMILAR, "(?:thought_vectors|thoughts)_of_user"),
        (statements.TO_REUSE, "pk_thoughts"),
        (statements.SOURCE, "agent_runs_reusable"),
        (statements.SAVED_RUN, "pk_agent_runs"),
    ],
)
def test_no_read_scans_a_table(settings: Settings, statement: TextClause, index: str) -> None:
    engine = _make_step_store(settings).database.engine
    with engine.connect() as connection:
        plan = "\n".join(connection.execute(text(f"EXPLAIN {statement.text}"), PARAMETERS).scalars())
    engine.dispose()
    assert "Seq Scan" not in plan
    assert re.search(index, plan)
