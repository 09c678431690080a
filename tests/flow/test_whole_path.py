"""The whole path of a thought on real servers, from submission to stream, as a person and an operator see it."""

import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from confluent_kafka import Producer

from tests.dead_letter_topic import read_dead_letters, wait_for_dead_letter
from tests.eventually import eventually
from tests.running_stack import FULL_EVENT_SEQUENCE, Stack, error_response, new_id

AGENTS = ["classification", "analysis", "value_impact", "action_plan", "priority"]


def produce(stack: Stack, value: bytes | None, key: str = "") -> None:
    """Publish a record to the work topic as an external producer."""
    producer = Producer({"bootstrap.servers": stack.initial_status["kafka_bootstrap"]})
    producer.produce("thought-processing", value, key or None)
    assert producer.flush(30) == 0


def test_the_stream_shows_a_thought_from_its_creation_to_its_completion(stack: Stack) -> None:
    user = new_id()
    listener = stack.listen(user)
    accepted = stack.post("Should I learn Rust this winter?", user)
    assert accepted["status"] == "pending"
    thought = stack.wait_until_terminal(accepted["id"])
    eventually(lambda: listener.event_names(accepted["id"]) == FULL_EVENT_SEQUENCE)
    assert thought["status"] == "completed"
    assert [(agent["name"], agent["status"], agent["attempts"]) for agent in thought["agents"]] == [
        (name, "completed", 1) for name in AGENTS
    ]
    assert all(agent["output"] for agent in thought["agents"])


def test_a_stream_opened_after_the_completion_shows_all_events(stack: Stack) -> None:
    user = new_id()
    accepted = stack.post("Opened late", user)
    stack.wait_until_terminal(accepted["id"])
    listener = stack.listen(user)
    eventually(lambda: listener.event_names(accepted["id"]) == FULL_EVENT_SEQUENCE)


def test_the_stream_sends_each_event_when_it_happens(stack: Stack) -> None:
    """The second agent is slow, and the first agent's event must not wait for it."""
    user = new_id()
    listener = stack.listen(user)
    accepted = stack.post("Slow in the middle [[delay:analysis:1500]]", user)
    eventually(lambda: "thought_agent_completed 1/5" in listener.event_names(accepted["id"]))
    assert "thought_agent_completed 2/5" not in listener.event_names(accepted["id"])
    assert stack.thought(accepted["id"])["status"] == "processing"
    eventually(lambda: listener.event_names(accepted["id"]) == FULL_EVENT_SEQUENCE)


def test_the_stream_shows_what_an_agent_is_writing_between_its_start_and_its_result(stack: Stack) -> None:
    user = new_id()
    listener = stack.listen(user)
    accepted = stack.post("Written slowly [[write:analysis:2000]]", user)
    assert stack.wait_until_terminal(accepted["id"])["status"] == "completed"
    eventually(lambda: listener.event_names(accepted["id"])[-1:] == ["thought_completed"])
    names = listener.event_names(accepted["id"])
    assert [name for name in names if name != "thought_agent_progress"] == FULL_EVENT_SEQUENCE
    places = [place for place, name in enumerate(names) if name == "thought_agent_progress"]
    assert len(places) > 2
    assert places == list(range(3, 3 + len(places))), "all of them come between the first and the second result"
    texts = [data for kind, data in listener.events if kind == "thought_agent_progress"]
    assert {(data["agent_name"], data["agent_number"]) for data in texts} == {("analysis", 2)}
    assert all(later["text"].startswith(earlier["text"]) for earlier, later in pairwise(texts))


def test_one_users_thoughts_run_in_the_order_of_submission(stack: Stack) -> None:
    user = new_id()
    thoughts = [stack.post(f"Thought {number}", user)["id"] for number in range(8)]
    for thought in thoughts:
        stack.wait_until_terminal(thought)
    spans = stack.call_spans(thoughts)
    for earlier, later in pairwise(thoughts):
        assert spans[earlier][1] <= spans[later][0]


def test_thirty_thoughts_of_five_users_at_once_complete_in_each_users_order(stack: Stack) -> None:
    users = [new_id() for _ in range(5)]
    with ThreadPoolExecutor(5) as pool:
        lines = list(pool.map(lambda user: [stack.post(f"{number}", user)["id"] for number in range(6)], users))
    for line in lines:
        assert [stack.wait_until_terminal(thought)["status"] for thought in line] == ["completed"] * 6
        assert all(stack.call_counts(thought) == dict.fromkeys(AGENTS, 1) for thought in line)
        spans = stack.call_spans(line)
        assert all(spans[earlier][1] <= spans[later][0] for earlier, later in pairwise(line))


def test_a_transient_failure_is_retried_without_repeating_other_calls(stack: Stack) -> None:
    accepted = stack.post("Fails twice [[fail:value_impact:transient:2]]", new_id())
    thought = stack.wait_until_terminal(accepted["id"])
    assert thought["status"] == "completed"
    assert stack.call_counts(accepted["id"]) == {**dict.fromkeys(AGENTS, 1), "value_impact": 3}
    assert thought["agents"][2]["attempts"] == 3


def test_a_thought_that_fails_after_three_retries_becomes_a_dead_letter_and_can_be_replayed(stack: Stack) -> None:
    user = new_id()
    listener = stack.listen(user)
    accepted = stack.post("Fails four times [[fail:action_plan:transient:4]]", user)
    thought = stack.wait_until_terminal(accepted["id"])
    assert (thought["status"], thought["error"]["agent"], thought["error"]["attempts"]) == ("failed", "action_plan", 4)
    eventually(lambda: listener.event_names(accepted["id"])[-1:] == ["thought_failed"])

    table = stack.run_bridge("dead-letters", "list")
    failure_id = next(line.split()[0] for line in table.splitlines() if line.startswith(accepted["id"]))
    value, headers = wait_for_dead_letter(stack, failure_id)
    assert json.loads(value or b"")["text"] == "Fails four times [[fail:action_plan:transient:4]]"
    assert (headers["agent"], headers["attempts"], headers["reason"]) == (b"action_plan", b"4", b"transient")
    assert headers["original-topic"] == b"thought-processing"

    stack.run_bridge("dead-letters", "replay", failure_id)
    assert stack.wait_until_terminal(accepted["id"])["status"] == "completed"
    assert stack.call_counts(accepted["id"]) == {**dict.fromkeys(AGENTS, 1), "action_plan": 5}


def test_a_permanent_failure_is_not_retried(stack: Stack) -> None:
    accepted = stack.post("Fails [[fail:classification:permanent:*]]", new_id())
    thought = stack.wait_until_terminal(accepted["id"])
    assert (thought["status"], thought["error"]["kind"]) == ("failed", "permanent")
    assert stack.call_counts(accepted["id"]) == {"classification": 1}


def test_a_failed_thought_does_not_block_the_next_one(stack: Stack) -> None:
    user = new_id()
    first = stack.post("Fails [[fail:classification:permanent:*]]", user)
    second = stack.post("Fine", user)
    assert stack.wait_until_terminal(second["id"])["status"] == "completed"
    assert stack.thought(first["id"])["status"] == "failed"


def test_an_event_of_an_external_producer_is_processed(stack: Stack) -> None:
    user = new_id()
    stack.post("Creates the user", user)
    thought = new_id()
    event = {
        "event_id": new_id(),
        "event_type": "thought_created",
        "timestamp": "2026-11-23T12:00:00+00:00",
        "user_id": user,
        "thought_id": thought,
        "text": "From an external producer",
    }
    produce(stack, json.dumps(event).encode(), key=user)
    eventually(lambda: any(item["id"] == thought for item in stack.get(f"/thoughts?user_id={user}")["items"]))
    assert stack.wait_until_terminal(thought)["status"] == "completed"


def test_an_invalid_record_becomes_a_dead_letter_with_its_bytes_intact(stack: Stack) -> None:
    garbage = b"\x00\xff not JSON " + new_id().encode()
    produce(stack, garbage)
    eventually(lambda: garbage in [value for value, _ in read_dead_letters(stack)])
    accepted = stack.post("After the garbage", new_id())
    assert stack.wait_until_terminal(accepted["id"])["status"] == "completed"


def test_flower_shows_the_five_tasks_by_their_names(stack: Stack) -> None:
    stack.wait_until_terminal(stack.post("For Flower", new_id())["id"])

    def are_tasks_shown() -> bool:
        with urllib.request.urlopen(f"{stack.initial_status['flower_url']}/metrics", timeout=10) as response:
            page = response.read().decode()
        return all(f'task="tasks.{agent}"' in page for agent in AGENTS)

    eventually(are_tasks_shown)


def test_an_empty_thought_is_rejected_with_a_problem_document(stack: Stack) -> None:
    headers = {"Content-Type": "application/json"}
    status, content_type = error_response(
        f"{stack.url}/thoughts", data=b'{"text": "  "}', headers=headers, method="POST"
    )
    assert content_type == "application/problem+json"
    assert 400 <= status < 500


def test_health_and_metrics_answer(stack: Stack) -> None:
    assert stack.get("/health")["status"] == "ok"
    eventually(lambda: stack.get("/health/ready")["problems"] == [])
    with urllib.request.urlopen(f"{stack.url}/metrics", timeout=10) as response:
        assert response.status == 200
