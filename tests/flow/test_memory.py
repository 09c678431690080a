"""Memory on real servers: an equal thought is not analysed again unless it is asked for, and similar ones are found."""

import json
import urllib.request
from urllib.parse import quote, urlencode

from tests.eventually import eventually
from tests.running_stack import FULL_EVENT_SEQUENCE, Stack, new_id

BILL = "The hospital sent mum a bill that she cannot pay"
BILL_AGAIN = "Mum got a bill of the hospital which she is unable to pay"


def complete(stack: Stack, text: str, user: str) -> str:
    """Submit a thought, wait until it is completed, and return its id."""
    thought = str(stack.post(text, user)["id"])
    assert stack.wait_until_terminal(thought)["status"] == "completed"
    return thought


def test_an_equal_thought_takes_the_results_without_a_call_and_shows_all_its_progress(stack: Stack) -> None:
    user = new_id()
    first = complete(stack, BILL, user)
    listener = stack.listen(user)
    second = complete(stack, f"  {BILL}.", user)
    eventually(lambda: listener.event_names(second) == FULL_EVENT_SEQUENCE)
    assert not stack.call_counts(second)
    thought = stack.thought(second)
    assert thought["reused_from"]["id"] == first
    assert thought["usage"]["calls"] == 0
    outputs = [agent["output"] for agent in stack.thought(first)["agents"]]
    assert [agent["output"] for agent in thought["agents"]] == outputs
    assert stack.run_bridge("audit")


def test_analyse_again_analyses_the_same_text_as_a_new_thought(stack: Stack) -> None:
    user = new_id()
    complete(stack, BILL, user)
    body = json.dumps({"text": BILL, "user_id": user, "reuse": False}).encode()
    request = urllib.request.Request(f"{stack.url}/thoughts", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        fresh = str(json.load(response)["id"])
    assert stack.wait_until_terminal(fresh)["status"] == "completed"
    assert sum(stack.call_counts(fresh).values()) == 5
    assert stack.thought(fresh)["reused_from"] is None


def test_the_equal_thought_of_another_user_is_analysed(stack: Stack) -> None:
    complete(stack, BILL, new_id())
    other = new_id()
    thought = complete(stack, BILL, other)
    assert sum(stack.call_counts(thought).values()) == 5
    assert stack.thought(thought)["similar_thoughts"] == []


def test_a_similar_thought_is_read_shown_found_and_forgotten_when_it_is_deleted(stack: Stack) -> None:
    user = new_id()
    first = complete(stack, BILL, user)
    second = complete(stack, BILL_AGAIN, user)
    assert sum(stack.call_counts(second).values()) == 5
    assert [similar["id"] for similar in stack.thought(second)["similar_thoughts"]] == [first]
    query = urlencode({"user_id": user, "similar_to": "a debt for a medical treatment"}, quote_via=quote)
    assert {item["id"] for item in stack.get(f"/thoughts?{query}")["items"]} == {first, second}
    with urllib.request.urlopen(
        urllib.request.Request(f"{stack.url}/thoughts/{first}", method="DELETE"), timeout=30
    ) as response:
        assert response.status == 204
    assert stack.thought(second)["similar_thoughts"] == []
    assert [item["id"] for item in stack.get(f"/thoughts?{query}")["items"]] == [second]
