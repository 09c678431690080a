"""A step is claimed and saved as usual whatever times of its thought a wrong clock, or another hand, has stored."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from contracts.database import Database
from tasks.step_store import Step, StepStore
from tasks.thought_times import FIRST, elapsed_seconds, written_at

TIMES = ["infinity", "-infinity", "294276-01-01", "12000-01-01", "4713-01-01 BC"]
COLUMNS = ["beat_at", "created_at", "emitted_at", "not_before", "started_at", "step_started_at"]


@pytest.mark.parametrize("value", TIMES)
@pytest.mark.parametrize("column", COLUMNS)
def test_a_step_with_an_absurd_time_is_claimed(
    database: Database, step_store: StepStore, step: Step, column: str, value: str
) -> None:
    change = text(f"UPDATE thoughts SET {column} = CAST(CAST(:value AS text) AS timestamptz) WHERE id = :id")
    database.rows(change, value=value, id=step.thought_id)
    claim = step_store.claim(step, uuid4())
    assert claim
    assert claim.result == "run"
    assert FIRST <= claim.written_at <= datetime.now(UTC)
    assert 0.0 <= claim.elapsed < timedelta(days=1).total_seconds()


def test_times_of_the_present_are_unchanged() -> None:
    now = datetime.now(UTC)
    assert written_at(now - timedelta(days=30), now) == now - timedelta(days=30)
    assert elapsed_seconds(12.5) == 12.5


def test_what_cannot_be_believed_is_replaced() -> None:
    now = datetime.now(UTC)
    assert written_at(now + timedelta(hours=1), now) == now
    assert [elapsed_seconds(value) for value in (None, -1.0, float("inf"), float("nan"), 1e12)] == [0.0] * 5
