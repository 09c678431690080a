"""The sums of tokens and cost: of a thought, and of a user per day."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.http_client import get_thought, set_run, submit
from webapp.usage import USAGE_PER_DAY, usage_per_day

KNOWN = "tokens_in = 400, tokens_out = 100, cost_usd = 0.000001"
FREE = "tokens_in = 0, tokens_out = 0, cost_usd = 0"
NOTHING = {
    "calls": 0, "tokens_in": 0, "tokens_out": 0, "tokens_complete": True, "cost_usd": 0.0, "cost_complete": True,
}  # fmt: skip


@pytest.fixture
def user() -> UUID:
    return uuid4()


def analysed(client: FlaskClient, database: Database, worker: FakeWorker, user: UUID, *runs: str) -> UUID:
    """Submit a thought of the user and save these runs of it."""
    thought = submit(client, user=user)
    worker.dispatch(thought)
    for step, assignments in enumerate(runs, start=1):
        worker.run_step(thought, step)
        set_run(database, thought, step, assignments)
    return thought


def usage_of(client: FlaskClient, thought: UUID) -> dict[str, Any]:
    return dict(get_thought(client, thought)["usage"])


def usage_today(client: FlaskClient, user: UUID) -> dict[str, Any]:
    [day] = (client.get(f"/usage?user_id={user}").json or {})["days"]
    return {name: value for name, value in day.items() if name != "day"}


def test_a_thought_without_a_call_used_nothing(client: FlaskClient, user: UUID) -> None:
    assert usage_of(client, submit(client, user=user)) == NOTHING
    total = (client.get(f"/usage?user_id={user}").json or {})["total"]
    assert total == NOTHING


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([FREE, FREE], (2, 0, 0, True, 0.0, True)),
        ([KNOWN, KNOWN], (2, 800, 200, True, 0.000002, True)),
        ([KNOWN, f"{KNOWN}, cost_usd = NULL".replace("cost_usd = 0.000001, ", "")], (2, 800, 200, True, 1e-6, False)),
        ([KNOWN, "tokens_in = NULL"], (2, 400, 100, False, 1e-6, False)),
        (["tokens_in = NULL", "tokens_in = NULL"], (2, None, None, False, None, False)),
        (["tokens_in = 5, tokens_out = NULL"], (1, 5, None, False, None, False)),
        ([f"{KNOWN}, attempts = 3"], (3, 400, 100, False, 1e-6, False)),
        ([f"{FREE}, attempts = 3"], (3, 0, 0, True, 0.0, True)),
    ],
    ids=[
        "free",
        "known",
        "one-unknown-price",
        "one-unknown",
        "all-unknown",
        "half-known",
        "repeated-call",
        "repeated-free-call",
    ],
)
def test_a_sum_is_null_or_a_lower_bound_where_a_part_is_unknown(
    client: FlaskClient,
    database: Database,
    worker: FakeWorker,
    user: UUID,
    runs: list[str],
    expected: tuple[Any, ...],
) -> None:
    """The sums of a thought and those of the day, which PostgreSQL makes, are equal."""
    of_thought = usage_of(client, analysed(client, database, worker, user, *runs))
    assert tuple(of_thought.values()) == expected
    assert usage_today(client, user) == of_thought
    assert (client.get(f"/usage?user_id={user}").json or {})["total"] == of_thought


def test_a_call_without_a_result_makes_the_sum_of_its_thought_a_lower_bound(
    client: FlaskClient, database: Database, worker: FakeWorker, user: UUID
) -> None:
    thought = analysed(client, database, worker, user, KNOWN)
    worker.claim(thought)
    running = usage_of(client, thought)
    assert (running["calls"], running["tokens_in"]) == (2, 400)
    assert (running["tokens_complete"], running["cost_complete"]) == (False, False)
    worker.fail(thought, "analysis")
    assert usage_of(client, thought) == running


def test_days_are_days_in_utc_and_the_window_is_exact(
    client: FlaskClient, database: Database, worker: FakeWorker, user: UUID
) -> None:
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    second = timedelta(microseconds=1)
    times = [midnight, midnight - second, midnight - timedelta(days=2), midnight - timedelta(days=2) - second]
    for when in times:
        analysed(client, database, worker, user, f"{KNOWN}, finished_at = '{when.isoformat()}'")
        database.rows(
            text("UPDATE thoughts SET status = 'failed', finished_at = now() WHERE user_id = :user"), user=user
        )
    usage = usage_per_day(database, user, 3)
    assert [(day, used.calls) for day, used in usage.days] == [
        (midnight.date(), 1),
        (midnight.date() - timedelta(days=1), 1),
        (midnight.date() - timedelta(days=2), 1),
    ]
    assert (usage.since, usage.total.calls) == (midnight.date() - timedelta(days=2), 3)
    assert usage.total.cost_usd == Decimal("0.000003")
    [today] = usage_per_day(database, user, 1).days
    assert today[0] == midnight.date()


def test_results_of_open_and_of_finished_thoughts_are_counted_and_those_of_deleted_ones_are_not(
    client: FlaskClient, database: Database, worker: FakeWorker, user: UUID
) -> None:
    failed = analysed(client, database, worker, user, KNOWN)
    worker.fail(failed)
    deleted = analysed(client, database, worker, user, KNOWN)
    client.delete(f"/thoughts/{deleted}")
    completed = submit(client, user=user)
    worker.complete(completed)
    analysed(client, database, worker, user, KNOWN)
    assert usage_today(client, user)["calls"] == 1 + 5 + 1


@pytest.mark.parametrize("days", ["0", "367", "-1", "x", "1.5", "9999999999"])
def test_the_number_of_days_is_bounded(client: FlaskClient, days: str) -> None:
    response = client.get(f"/usage?days={days}")
    assert (response.status_code, response.mimetype) == (422, "application/problem+json")
    assert "days: send a number from 1 to 366." in response.text


def test_a_client_without_a_cookie_used_nothing(client: FlaskClient) -> None:
    usage = client.get("/usage?days=").json or {}
    assert (usage["user_id"], usage["total"], usage["days"]) == (None, NOTHING, [])
    since = datetime.now(UTC).date() - timedelta(days=29)
    assert usage["since"] == since.isoformat()


class TestWithoutTrustUserId:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"trust_user_id": False}

    @pytest.fixture
    def client(self, client: FlaskClient) -> FlaskClient:
        """A browser that has opened the page, so that it has a cookie."""
        client.get("/")
        return client

    def test_another_users_usage_cannot_be_read(
        self, client: FlaskClient, app: Flask, database: Database, worker: FakeWorker
    ) -> None:
        thought = submit(client)
        worker.complete(thought)
        own = client.get("/usage").json or {}
        assert own["total"]["calls"] == 5
        stranger = app.test_client()
        stranger.get("/")
        submit(stranger)
        response = stranger.get(f"/usage?user_id={own['user_id']}")
        assert (response.status_code, response.mimetype) == (403, "application/problem+json")
        assert (stranger.get("/usage").json or {})["total"] == NOTHING
        assert client.get(f"/usage?user_id={own['user_id']}").json == own


def test_the_users_thoughts_and_their_runs_are_found_by_indexes(app: Flask, user: UUID) -> None:
    """The engine is that of the web, whose plans scan no table where an index fits."""
    engine = app.extensions["services"].database.engine
    statement = text(f"EXPLAIN {USAGE_PER_DAY.text}")
    with engine.connect() as connection:
        plan = "\n".join(connection.execute(statement, {"user": user, "since": datetime.now(UTC)}).scalars())
    assert "Seq Scan" not in plan
    assert "pk_agent_runs" in plan
    assert plan.count(f"Index Cond: (user_id = '{user}'::uuid)") == 2, plan
