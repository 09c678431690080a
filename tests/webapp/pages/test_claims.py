"""The claims of a result on its page: each with its quote, as plain text, and a note of those that were dropped."""

from collections import Counter
from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient

from agents.catalogue import CATALOGUE
from agents.output import validate_output
from agents.scripted.samples import sample
from tests.agents.attacks import MARKUP, TEXTS, with_text
from tests.agents.calls import make_input
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.http_client import get_thought, submit
from webapp.pages.agent_output import ClaimView, describe_output

CLAIM = {"statement": "You want to grow.", "source": "earlier_thought", "quote": "learn Rust"}


class Tags(HTMLParser):
    """Counts the elements of a page and the names of their attributes, and collects its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes |= {name for name, _ in attrs}
        self.attributes |= {value for name, value in attrs if name == "href" and value}

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(client: FlaskClient, worker: FakeWorker, text: str) -> Tags:
    """Return the page of a thought whose results consist of this text."""
    thought = submit(client, "a thought")
    worker.dispatch(thought)
    for step, agent in enumerate(CATALOGUE.agents, start=1):
        worker.run_step(thought, step, with_text(sample(agent.output, "a thought"), text))
    return Tags(client.get(f"/t/{thought}").text)


def test_claims_become_items_with_their_quotes_and_sources() -> None:
    [item] = describe_output("analysis", {"underlying_needs": [CLAIM, {**CLAIM, "source": "profile"}]})
    assert item.kind == "claims"
    assert item.claims == (
        ClaimView("You want to grow.", "learn Rust", "an earlier thought"),
        ClaimView("You want to grow.", "learn Rust", "your profile"),
    )


def test_evidence_becomes_an_item_and_an_empty_one_is_left_out() -> None:
    quote = {"source": "thought", "quote": "this winter"}
    priority = describe_output("priority", {"urgency_reasoning": "Soon.", "urgency_evidence": [quote]})
    assert [(item.label, item.kind) for item in priority] == [("Urgency reasoning", "text"), ("Based on", "evidence")]
    assert priority[1].claims == (ClaimView("", "this winter", "your thought"),)
    assert [item.label for item in describe_output("priority", {"confidence": 0.5, "urgency_evidence": []})] == [
        "Confidence"
    ]


def test_an_output_of_the_version_without_evidence_is_shown_in_the_order_of_the_model() -> None:
    alignment = {"reasoning": "It helps.", "aligned_goals": ["Sleep more"], "conflicting_goals": []}
    items = describe_output("analysis", {"opportunity_cost": "x", "goal_alignment": alignment, "former_field": "y"})
    assert [item.label for item in items] == ["Goal alignment", "Opportunity cost", "Former field"]
    assert [(item.label, item.kind) for item in items[0].items] == [
        ("Aligned goals", "tags"), ("Reasoning", "text"),
    ]  # fmt: skip
    [mixed] = describe_output("analysis", {"underlying_needs": ["Rest", CLAIM]})
    assert mixed.claims[0] == ClaimView("Rest", "", "")


def test_the_page_shows_each_quote_with_its_claim_and_how_many_claims_were_left_out(
    client: FlaskClient, worker: FakeWorker
) -> None:
    thought = submit(client)
    worker.dispatch(thought)
    for step, dropped in ((1, 1), (2, 2), (3, 0), (4, None)):
        worker.run_step(thought, step, {"underlying_needs": [CLAIM]}, dropped)
    page = client.get(f"/t/{thought}").text
    assert page.count('<q dir="auto">learn Rust</q> <span class="source">an earlier thought</span>') == 4
    assert page.count("1 claim without evidence was left out.") == 1
    assert page.count("2 claims without evidence were left out.") == 1
    assert page.count("left out") == 2
    assert [agent["dropped_claims"] for agent in get_thought(client, thought)["agents"]] == [1, 2, 0, None, None]


def test_markup_in_every_text_of_every_result_is_shown_as_plain_text(client: FlaskClient, worker: FakeWorker) -> None:
    harmless, attacked = page_of(client, worker, "x" * len(MARKUP)), page_of(client, worker, MARKUP)
    assert attacked.elements == harmless.elements
    assert not {name for name in attacked.attributes if name.startswith("on") or "javascript:" in name}
    texts = sum(
        str(with_text(sample(agent.output, "a thought"), MARKUP)).count("{{ 7*7 }}") for agent in CATALOGUE.agents
    )
    assert attacked.text.count(MARKUP) >= texts


@pytest.mark.parametrize("attack", sorted(TEXTS))
def test_no_attack_in_a_result_adds_an_element_to_the_page(
    client: FlaskClient, worker: FakeWorker, attack: str
) -> None:
    thought = submit(client, "a thought")
    worker.dispatch(thought)
    answer = with_text(sample(CATALOGUE.agents[0].output, "a thought"), TEXTS[attack][:150])
    output = validate_output(CATALOGUE.agents[0].output, answer, make_input(TEXTS[attack])).output
    before = Tags(client.get(f"/t/{thought}").text).elements
    worker.run_step(thought, 1, output.model_dump(mode="json"))
    page = Tags(client.get(f"/t/{thought}").text)
    assert page.elements["script"] == before["script"]
    assert set(page.elements) <= {*before, "section", "h2", "dl", "dt", "dd", "ul", "li", "q", "header", "a", "span"}
