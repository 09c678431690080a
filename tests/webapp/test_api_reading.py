"""GET /thoughts and GET /thoughts/<id>: the same five agents in every state, and pages of a list."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, text

from contracts.database import Database
from tests.webapp.worker_by_hand import Work
from webapp import queries
from webapp.deletion import delete
from webapp.stream.snapshot import derived_events, reset_data

AGENTS = ["classification", "analysis", "value_impact", "action_plan", "priority"]


def posted(client: FlaskClient, user: UUID, written: str = "a thought") -> UUID:
    answer = client.post("/thoughts", json={"text": written, "user_id": str(user)})
    return UUID((answer.json or {})["id"])


def shown(client: FlaskClient, thought: UUID) -> dict[str, Any]:
    answer = client.get(f"/thoughts/{thought}")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    return answer.json or {}


def statuses(thought: dict[str, Any]) -> list[str]:
    return [agent["status"] for agent in thought["agents"]]


def is_utc(moment: str) -> bool:
    return datetime.fromisoformat(moment).utcoffset() == timedelta(0)


def test_a_pending_thought_waits_with_five_agents(client: FlaskClient) -> None:
    user = uuid4()
    thought = shown(client, posted(client, user))
    assert set(thought) == {
        "id", "user_id", "text", "status", "created_at", "started_at", "completed_at", "processing_time_seconds",
        "error", "agents",
    }  # fmt: skip
    assert (thought["user_id"], thought["status"], thought["error"]) == (str(user), "pending", None)
    assert (thought["started_at"], thought["completed_at"], thought["processing_time_seconds"]) == (None, None, None)
    assert is_utc(thought["created_at"])
    assert [agent["name"] for agent in thought["agents"]] == AGENTS
    assert [agent["number"] for agent in thought["agents"]] == [1, 2, 3, 4, 5]
    waiting = {"attempts": 0, "started_at": None, "finished_at": None, "duration_ms": None, "output": None}
    for number, agent in enumerate(thought["agents"], start=1):
        assert agent == {"name": AGENTS[number - 1], "number": number, "status": "waiting", **waiting}


def test_an_agent_waits_then_runs_then_tries_again_then_is_done(client: FlaskClient, work: Work) -> None:
    thought = posted(client, uuid4())
    work.take(thought)
    assert statuses(shown(client, thought)) == ["waiting"] * 5
    assert is_utc(shown(client, thought)["started_at"])
    work.claim(thought)
    running = shown(client, thought)["agents"][0]
    assert (running["status"], running["attempts"]) == ("running", 1)
    assert is_utc(running["started_at"])
    work.retry(thought)
    retrying = shown(client, thought)
    assert statuses(retrying) == ["retrying"] + ["waiting"] * 4
    assert (retrying["agents"][0]["attempts"], retrying["error"], retrying["status"]) == (1, None, "processing")
    work.claim(thought)
    work.save(thought, 1, {"type": "idea"})
    done = shown(client, thought)["agents"][0]
    assert (done["status"], done["attempts"], done["output"]) == ("completed", 2, {"type": "idea"})
    took = datetime.fromisoformat(done["finished_at"]) - datetime.fromisoformat(done["started_at"])
    assert done["duration_ms"] == round(took.total_seconds() * 1000)


def test_a_completed_thought_has_all_outputs_and_its_time(client: FlaskClient, work: Work) -> None:
    thought = posted(client, uuid4())
    work.complete(thought)
    found = shown(client, thought)
    assert (found["status"], statuses(found), found["error"]) == ("completed", ["completed"] * 5, None)
    assert [agent["output"] for agent in found["agents"]] == [{"said": f"result {step}"} for step in range(1, 6)]
    assert is_utc(found["completed_at"])
    assert found["processing_time_seconds"] > 0


def test_a_failed_thought_says_which_agent_failed_and_why(client: FlaskClient, work: Work) -> None:
    thought = posted(client, uuid4())
    work.take(thought)
    work.step(thought, 1)
    work.claim(thought)
    work.fail(thought, "analysis", "permanent")
    found = shown(client, thought)
    assert (found["status"], statuses(found)) == ("failed", ["completed", "failed"] + ["waiting"] * 3)
    assert found["error"] == {
        "agent": "analysis", "kind": "permanent", "message": "the model refused", "attempts": 4,
    }  # fmt: skip
    assert found["agents"][1]["attempts"] == 4
    assert is_utc(found["completed_at"])


def test_a_replayed_thought_keeps_what_was_saved(client: FlaskClient, work: Work) -> None:
    thought = posted(client, uuid4())
    work.take(thought)
    work.step(thought, 1)
    work.claim(thought)
    work.fail(thought, "analysis")
    work.replay(thought)
    found = shown(client, thought)
    assert (found["status"], statuses(found)) == ("pending", ["completed"] + ["waiting"] * 4)
    assert (found["error"], found["completed_at"]) == (None, None)


def test_a_list_is_read_page_by_page_the_latest_first(client: FlaskClient) -> None:
    user = uuid4()
    ids = [str(posted(client, user, str(number))) for number in range(7)]
    posted(client, uuid4(), "somebody else's")
    pages, cursor = [], ""
    for _ in range(3):
        page = client.get(f"/thoughts?user_id={user}&limit=3&cursor={cursor}").json or {}
        pages.append([item["id"] for item in page["items"]])
        cursor = page["next"]
    assert pages == [ids[:3:-1], ids[3:0:-1], ids[:1]]
    assert cursor is None


def test_a_page_that_is_just_full_has_no_next(client: FlaskClient) -> None:
    user = uuid4()
    for number in range(3):
        posted(client, user, str(number))
    assert (client.get(f"/thoughts?user_id={user}&limit=3").json or {})["next"] is None


def test_a_list_shows_each_thought_as_it_is_shown_alone(client: FlaskClient, work: Work) -> None:
    user = uuid4()
    done, waiting = posted(client, user), posted(client, user)
    work.complete(done)
    listed = (client.get(f"/thoughts?user_id={user}").json or {})["items"]
    assert listed == [shown(client, waiting), shown(client, done)]


def test_a_list_can_be_limited_to_a_status(client: FlaskClient, work: Work) -> None:
    user = uuid4()
    done, waiting = posted(client, user), posted(client, user)
    work.complete(done)
    for status, expected in (("completed", [done]), ("pending", [waiting]), ("failed", []), ("processing", [])):
        listed = client.get(f"/thoughts?user_id={user}&status={status}").json or {}
        assert [item["id"] for item in listed["items"]] == [str(thought) for thought in expected]


def test_wrong_questions_are_refused_as_problems(client: FlaskClient) -> None:
    wrong = {
        "user_id=me": 422, "limit=0": 422, "limit=101": 422, "limit=-1": 422, "limit=ten": 422, "status=done": 422,
        "cursor=x": 400, "cursor=%FF": 400, "cursor=bm90IGEgY3Vyc29y": 400, "limit=" + "9" * 500: 422,
        "limit=0000000019999999": 422, "limit=0020": 422, "limit=%D9%A1": 422, "limit=5%0A": 422,
    }  # fmt: skip
    for question, status in wrong.items():
        answer = client.get(f"/thoughts?{question}")
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), question


def test_what_is_not_there_is_a_problem_too(client: FlaskClient) -> None:
    missing = {
        f"/thoughts/{uuid4()}": 404,
        "/thoughts/not-an-id": 404,
        "/thoughts/stream/not-an-id": 404,
        "/nowhere": 404,
    }
    for path, status in missing.items():
        answer = client.get(path)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), path
    answer = client.delete("/thoughts")
    assert (answer.status_code, answer.mimetype) == (405, "application/problem+json")
    assert "POST" in answer.headers["Allow"]


def test_a_user_never_seen_has_an_empty_list(client: FlaskClient) -> None:
    assert client.get(f"/thoughts?user_id={uuid4()}").json == {"items": [], "next": None}
    assert client.get("/thoughts").json == {"items": [], "next": None}


def test_a_restart_of_postgres_between_two_questions_is_not_seen(client: FlaskClient, database: Database) -> None:
    thought = posted(client, uuid4())
    ended = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'web' AND datname = current_database()"
    )
    assert {row[0] for row in database.rows(ended)} == {True}
    assert shown(client, thought)["id"] == str(thought)
    assert len(database.rows(ended)) == 1
    assert posted(client, uuid4())


def test_a_thought_that_is_deleted_between_two_questions_is_not_there(
    client: FlaskClient, database: Database, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = uuid4()
    thought = posted(client, user)
    work.complete(thought)
    ask = queries.read

    def ask_and_delete(asked: Database, *words: Any, **more: Any) -> list[Any]:
        rows = ask(asked, *words, **more)
        delete(database, thought)
        return rows

    monkeypatch.setattr(queries, "read", ask_and_delete)
    assert client.get(f"/thoughts/{thought}").status_code == 404


def test_a_stream_reads_no_outputs_and_a_reset_does(client: FlaskClient, database: Database, work: Work) -> None:
    user = uuid4()
    work.complete(posted(client, user))
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_others: Any) -> None:
        statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    told = derived_events(database, user)
    event.remove(database.engine, "before_cursor_execute", note)
    assert len(told) == 8
    assert statements
    assert [statement for statement in statements if "output" in statement] == []
    [thought] = reset_data(database, user)["thoughts"]
    assert thought == shown(client, UUID(thought["id"]))
    assert thought["agents"][0]["output"] == {"said": "result 1"}


def test_a_reset_carries_every_open_thought_and_the_twenty_latest(
    client: FlaskClient, database: Database, work: Work
) -> None:
    user = uuid4()
    ids = [posted(client, user) for _ in range(2 + 60 + 21)]
    for thought in ids[:2] + ids[62:]:
        work.take(thought)
        work.fail(thought)
    posted(client, uuid4())
    carried = [UUID(thought["id"]) for thought in reset_data(database, user)["thoughts"]]
    assert carried == ids[2:62] + ids[63:], "in the order of turns; not the three older ones that have ended"
