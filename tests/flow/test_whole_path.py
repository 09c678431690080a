"""From the form to the browser on real servers, as a person and an operator see it."""

import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from confluent_kafka import Producer

from tests.dead_letter_topic import dead_letter, dead_letters
from tests.eventually import eventually
from tests.running_stack import WHOLE_STORY, Stack, refusal, somebody

AGENTS = ["classification", "analysis", "value_impact", "action_plan", "priority"]


def send(stack: Stack, value: bytes | None, key: str = "") -> None:
    """A record of another producer."""
    producer = Producer({"bootstrap.servers": stack.status_then["kafka_bootstrap"]})
    producer.produce("thought-processing", value, key or None)
    assert producer.flush(30) == 0


def test_a_thought_is_seen_from_its_creation_to_its_end(stack: Stack) -> None:
    user = somebody()
    listener = stack.listen(user)
    accepted = stack.post("Should I learn Rust this winter?", user)
    assert accepted["status"] == "pending"
    thought = stack.ended(accepted["id"])
    eventually(lambda: listener.of(accepted["id"]) == WHOLE_STORY)
    assert thought["status"] == "completed"
    assert [(agent["name"], agent["status"], agent["attempts"]) for agent in thought["agents"]] == [
        (name, "completed", 1) for name in AGENTS
    ]
    assert all(agent["output"] for agent in thought["agents"])


def test_who_looks_after_the_end_sees_the_whole_story_too(stack: Stack) -> None:
    user = somebody()
    accepted = stack.post("Watched late", user)
    stack.ended(accepted["id"])
    listener = stack.listen(user)
    eventually(lambda: listener.of(accepted["id"]) == WHOLE_STORY)


def test_progress_comes_when_it_happens(stack: Stack) -> None:
    """The second agent waits for a second; the first one's news must not wait with it."""
    user = somebody()
    listener = stack.listen(user)
    accepted = stack.post("Slow in the middle [[delay:analysis:1500]]", user)
    eventually(lambda: "thought_agent_completed 1/5" in listener.of(accepted["id"]))
    assert "thought_agent_completed 2/5" not in listener.of(accepted["id"])
    assert stack.thought(accepted["id"])["status"] == "processing"
    eventually(lambda: listener.of(accepted["id"]) == WHOLE_STORY)


def test_one_persons_thoughts_are_worked_in_the_order_they_were_written(stack: Stack) -> None:
    user = somebody()
    thoughts = [stack.post(f"Thought {number}", user)["id"] for number in range(8)]
    for thought in thoughts:
        stack.ended(thought)
    spans = stack.spans(thoughts)
    for earlier, later in pairwise(thoughts):
        assert spans[earlier][1] <= spans[later][0]


def test_thirty_thoughts_of_five_people_at_once_all_end_in_each_persons_order(stack: Stack) -> None:
    people = [somebody() for _ in range(5)]
    with ThreadPoolExecutor(5) as pool:
        lines = list(pool.map(lambda person: [stack.post(f"{number}", person)["id"] for number in range(6)], people))
    for line in lines:
        assert [stack.ended(thought)["status"] for thought in line] == ["completed"] * 6
        assert all(stack.starts(thought) == dict.fromkeys(AGENTS, 1) for thought in line)
        spans = stack.spans(line)
        assert all(spans[earlier][1] <= spans[later][0] for earlier, later in pairwise(line))


def test_a_transient_failure_is_tried_again_and_paid_for_once_more_only(stack: Stack) -> None:
    accepted = stack.post("Twice in vain [[fail:value_impact:transient:2]]", somebody())
    thought = stack.ended(accepted["id"])
    assert thought["status"] == "completed"
    assert stack.starts(accepted["id"]) == {**dict.fromkeys(AGENTS, 1), "value_impact": 3}
    assert thought["agents"][2]["attempts"] == 3


def test_what_fails_after_three_retries_is_a_whole_dead_letter_and_can_be_replayed(stack: Stack) -> None:
    user = somebody()
    listener = stack.listen(user)
    accepted = stack.post("Four times in vain [[fail:action_plan:transient:4]]", user)
    thought = stack.ended(accepted["id"])
    assert (thought["status"], thought["error"]["agent"], thought["error"]["attempts"]) == ("failed", "action_plan", 4)
    eventually(lambda: listener.of(accepted["id"])[-1:] == ["thought_failed"])

    listed = stack.bridge("dead-letters", "list")
    failure = next(line.split()[0] for line in listed.splitlines() if line.startswith(accepted["id"]))
    value, headers = dead_letter(stack, failure)
    assert json.loads(value or b"")["text"] == "Four times in vain [[fail:action_plan:transient:4]]"
    assert (headers["agent"], headers["attempts"], headers["reason"]) == (b"action_plan", b"4", b"transient")
    assert headers["original-topic"] == b"thought-processing"

    stack.bridge("dead-letters", "replay", failure)
    assert stack.ended(accepted["id"])["status"] == "completed"
    assert stack.starts(accepted["id"]) == {**dict.fromkeys(AGENTS, 1), "action_plan": 5}


def test_a_permanent_failure_is_not_tried_again(stack: Stack) -> None:
    accepted = stack.post("In vain [[fail:classification:permanent:*]]", somebody())
    thought = stack.ended(accepted["id"])
    assert (thought["status"], thought["error"]["kind"]) == ("failed", "permanent")
    assert stack.starts(accepted["id"]) == {"classification": 1}


def test_a_failed_thought_does_not_hold_up_the_next_one(stack: Stack) -> None:
    user = somebody()
    first = stack.post("In vain [[fail:classification:permanent:*]]", user)
    second = stack.post("Fine", user)
    assert stack.ended(second["id"])["status"] == "completed"
    assert stack.thought(first["id"])["status"] == "failed"


def test_another_producers_event_is_worked_like_ours(stack: Stack) -> None:
    user = somebody()
    stack.post("I am known now", user)
    thought = somebody()
    event = {
        "event_id": somebody(),
        "event_type": "thought_created",
        "timestamp": "2026-11-23T12:00:00+00:00",
        "user_id": user,
        "thought_id": thought,
        "text": "From elsewhere",
    }
    send(stack, json.dumps(event).encode(), key=user)
    eventually(lambda: any(item["id"] == thought for item in stack.get(f"/thoughts?user_id={user}")["items"]))
    assert stack.ended(thought)["status"] == "completed"


def test_an_unreadable_record_becomes_a_dead_letter_with_its_bytes_intact(stack: Stack) -> None:
    garbage = b"\x00\xff not JSON " + somebody().encode()
    send(stack, garbage)
    eventually(lambda: garbage in [value for value, _ in dead_letters(stack)])
    accepted = stack.post("After the garbage", somebody())
    assert stack.ended(accepted["id"])["status"] == "completed"


def test_the_five_tasks_are_in_flower_by_their_names(stack: Stack) -> None:
    stack.ended(stack.post("For Flower", somebody())["id"])

    def named() -> bool:
        with urllib.request.urlopen(f"{stack.status_then['flower_url']}/metrics", timeout=10) as answer:
            page = answer.read().decode()
        return all(f'task="tasks.{agent}"' in page for agent in AGENTS)

    eventually(named)


def test_a_wrong_thought_is_a_clear_refusal(stack: Stack) -> None:
    headers = {"Content-Type": "application/json"}
    code, kind = refusal(f"{stack.url}/thoughts", data=b'{"text": "  "}', headers=headers, method="POST")
    assert kind == "application/problem+json"
    assert 400 <= code < 500


def test_health_and_metrics_answer(stack: Stack) -> None:
    assert stack.get("/health")["status"] == "ok"
    with urllib.request.urlopen(f"{stack.url}/metrics", timeout=10) as answer:
        assert answer.status == 200
