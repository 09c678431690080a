"""The JSON of a thought in every state, always with its five agents."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from flask.testing import FlaskClient

from contracts.database import Database
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.http_client import get_thought, set_run, submit

RESULT = [
    "duration_ms", "duration_seconds", "provider", "model", "version", "tokens_in", "tokens_out", "cost_usd",
    "dropped_claims", "profile_version", "reused_from", "output",
]  # fmt: skip
"""The members that a result fills."""

AGENTS = ["classification", "analysis", "value_impact", "action_plan", "priority"]


def statuses(thought: dict[str, Any]) -> list[str]:
    return [agent["status"] for agent in thought["agents"]]


def is_utc(timestamp: str) -> bool:
    return datetime.fromisoformat(timestamp).utcoffset() == timedelta(0)


def test_a_pending_thought_has_five_waiting_agents(client: FlaskClient) -> None:
    user = uuid4()
    thought = get_thought(client, submit(client, user=user))
    assert set(thought) == {
        "id", "user_id", "text", "status", "created_at", "started_at", "completed_at", "processing_time_seconds",
        "error", "waiting", "usage", "agents", "reused_from", "similar_thoughts",
    }  # fmt: skip
    assert (thought["user_id"], thought["status"], thought["error"]) == (str(user), "pending", None)
    assert (thought["started_at"], thought["completed_at"], thought["processing_time_seconds"]) == (None, None, None)
    assert is_utc(thought["created_at"])
    assert [agent["name"] for agent in thought["agents"]] == AGENTS
    assert [agent["number"] for agent in thought["agents"]] == [1, 2, 3, 4, 5]
    waiting = {"attempts": 0, "started_at": None, "finished_at": None} | dict.fromkeys(RESULT)
    for number, agent in enumerate(thought["agents"], start=1):
        assert agent == {"name": AGENTS[number - 1], "number": number, "status": "waiting", **waiting}


def test_an_agent_is_waiting_then_running_then_retrying_then_completed(client: FlaskClient, worker: FakeWorker) -> None:
    thought = submit(client, user=uuid4())
    worker.dispatch(thought)
    assert statuses(get_thought(client, thought)) == ["waiting"] * 5
    assert is_utc(get_thought(client, thought)["started_at"])
    worker.claim(thought)
    running = get_thought(client, thought)["agents"][0]
    assert (running["status"], running["attempts"]) == ("running", 1)
    assert is_utc(running["started_at"])
    worker.retry(thought)
    retrying = get_thought(client, thought)
    assert statuses(retrying) == ["retrying"] + ["waiting"] * 4
    assert (retrying["agents"][0]["attempts"], retrying["error"], retrying["status"]) == (1, None, "processing")
    worker.claim(thought)
    worker.save(thought, 1, {"type": "idea"}, dropped=2)
    completed = get_thought(client, thought)["agents"][0]
    assert completed["dropped_claims"] == 2
    assert (completed["status"], completed["attempts"], completed["output"]) == ("completed", 2, {"type": "idea"})
    duration = datetime.fromisoformat(completed["finished_at"]) - datetime.fromisoformat(completed["started_at"])
    assert completed["duration_ms"] == round(duration.total_seconds() * 1000)
    assert completed["duration_seconds"] == duration.total_seconds()


def test_a_completed_thought_has_all_outputs_and_its_processing_time(client: FlaskClient, worker: FakeWorker) -> None:
    thought = submit(client, user=uuid4())
    worker.complete(thought)
    completed = get_thought(client, thought)
    assert (completed["status"], statuses(completed), completed["error"]) == ("completed", ["completed"] * 5, None)
    assert [agent["output"] for agent in completed["agents"]] == [{"said": f"result {step}"} for step in range(1, 6)]
    assert is_utc(completed["completed_at"])
    assert completed["processing_time_seconds"] > 0


def test_a_result_names_who_made_it_and_what_it_used(
    client: FlaskClient, database: Database, worker: FakeWorker
) -> None:
    thought = submit(client, user=uuid4())
    worker.dispatch(thought)
    worker.run_step(thought, 1)
    worker.run_step(thought, 2)
    set_run(
        database, thought, 1,
        "provider = 'openai', model = 'gpt-x', version = '3', tokens_in = 412, tokens_out = 188, cost_usd = 0.0021, "
        "dropped_claims = 2, profile_version = 7",
    )  # fmt: skip
    known, unknown = get_thought(client, thought)["agents"][:2]
    assert {name: known[name] for name in RESULT[2:-1]} == {
        "provider": "openai", "model": "gpt-x", "version": "3", "tokens_in": 412, "tokens_out": 188,
        "cost_usd": 0.0021, "dropped_claims": 2, "profile_version": 7, "reused_from": None,
    }  # fmt: skip
    assert (unknown["tokens_in"], unknown["tokens_out"], unknown["cost_usd"]) == (None, None, None)


def test_a_failed_thought_says_which_agent_failed_and_why(client: FlaskClient, worker: FakeWorker) -> None:
    thought = submit(client, user=uuid4())
    worker.dispatch(thought)
    worker.run_step(thought, 1)
    worker.claim(thought)
    worker.fail(thought, "analysis", "permanent")
    failed = get_thought(client, thought)
    assert (failed["status"], statuses(failed)) == ("failed", ["completed", "failed"] + ["waiting"] * 3)
    assert failed["error"] == {
        "agent": "analysis", "kind": "permanent", "message": "the model refused", "attempts": 4,
    }  # fmt: skip
    assert failed["agents"][1]["attempts"] == 4
    assert is_utc(failed["completed_at"])


def test_a_replayed_thought_keeps_its_saved_steps(client: FlaskClient, worker: FakeWorker) -> None:
    thought = submit(client, user=uuid4())
    worker.dispatch(thought)
    worker.run_step(thought, 1)
    worker.claim(thought)
    worker.fail(thought, "analysis")
    worker.replay(thought)
    replayed = get_thought(client, thought)
    assert (replayed["status"], statuses(replayed)) == ("pending", ["completed"] + ["waiting"] * 4)
    assert (replayed["error"], replayed["completed_at"]) == (None, None)
