"""The words about who made a result and what it used: what is unknown is shown as unknown."""

from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from agents.catalogue import CATALOGUE
from contracts.database import Database
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.http_client import set_run, submit
from webapp.pages.usage_texts import describe_origin, describe_usage, format_cost
from webapp.usage import Usage

RULES: dict[str, Any] = {
    "provider": "offline", "model": "rules", "version": "2", "tokens_in": 0, "tokens_out": 0, "cost_usd": 0.0,
    "profile_version": 0,
}  # fmt: skip
MODEL = RULES | {
    "provider": "openai", "model": "gpt-x", "version": "3", "tokens_in": 1412, "tokens_out": 188, "cost_usd": 0.0021,
}  # fmt: skip


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (RULES, "rules of version 2, 1.8 s"),
        (RULES | {"provider": "scripted", "version": "1"}, "scripted results of version 1, 1.8 s"),
        (MODEL, "openai gpt-x, prompt version 3, 1,412 + 188 tokens, $0.0021, 1.8 s"),
        (
            MODEL | {"tokens_in": None, "tokens_out": None, "cost_usd": None},
            "openai gpt-x, prompt version 3, tokens unknown, cost unknown, 1.8 s",
        ),
        (MODEL | {"tokens_out": None}, "openai gpt-x, prompt version 3, 1,412 + unknown tokens, $0.0021, 1.8 s"),
        (
            MODEL | {"provider": "ollama", "cost_usd": 0.0},
            "ollama gpt-x, prompt version 3, 1,412 + 188 tokens, no cost, 1.8 s",
        ),
    ],
    ids=["rules", "scripted", "model", "unknown", "half-known", "free"],
)
def test_a_result_says_who_made_it(agent: dict[str, Any], words: str) -> None:
    assert describe_origin(agent, "1.8 s", reads_profile=True) == words


def test_a_result_says_which_profile_its_agent_read() -> None:
    agent = RULES | {"profile_version": 4}
    assert describe_origin(agent, "1.8 s", reads_profile=True) == "rules of version 2, 1.8 s, your profile of version 4"
    assert "profile" not in describe_origin(agent, "1.8 s", reads_profile=False)


@pytest.mark.parametrize(
    ("usage", "words"),
    [
        (Usage(5), "5 calls, no tokens, no cost"),
        (Usage(1, 412, 188, Decimal("0.0021")), "1 call, 412 + 188 tokens, $0.0021"),
        (
            Usage(1200, 412, 188, Decimal("0.0021"), tokens_complete=False, cost_complete=False),
            "1,200 calls, at least 412 + 188 tokens, at least $0.0021",
        ),
        (
            Usage(2, None, None, None, tokens_complete=False, cost_complete=False),
            "2 calls, tokens unknown, cost unknown",
        ),
        (
            Usage(2, 0, 0, Decimal(0), tokens_complete=False, cost_complete=False),
            "2 calls, tokens unknown, cost unknown",
        ),
    ],
    ids=["none", "known", "lower-bound", "unknown", "known-part-is-zero"],
)
def test_a_sum_says_what_is_known(usage: Usage, words: str) -> None:
    assert describe_usage(usage) == words


@pytest.mark.parametrize(
    ("cost", "words"),
    [
        ("1234.5", "$1,234.50"),
        ("0.5", "$0.50"),
        ("0.0123", "$0.012"),
        ("0.0021", "$0.0021"),
        ("0.000012", "$0.000012"),
        ("0.000001", "$0.000001"),
    ],
)
def test_a_small_cost_keeps_two_digits(cost: str, words: str) -> None:
    assert format_cost(Decimal(cost)) == words


def test_the_page_says_under_each_result_who_made_it_and_above_them_what_all_used(
    client: FlaskClient, database: Database, worker: FakeWorker
) -> None:
    thought = submit(client)
    assert "Used " not in client.get(f"/t/{thought}").text
    worker.dispatch(thought)
    for step in (1, 2):
        worker.run_step(thought, step)
    set_run(
        database, thought, 1,
        "provider = 'openai', model = '<gpt>', version = '3', tokens_in = 412, tokens_out = 188, cost_usd = 0.0021",
    )  # fmt: skip
    page = client.get(f"/t/{thought}").text
    assert "Made by openai &lt;gpt&gt;, prompt version 3, 412 + 188 tokens, $0.0021," in page
    assert "Made by test of version 1," in page
    assert "Used so far: 2 calls, at least 412 + 188 tokens, at least $0.0021" in page
    worker.complete_from_step(thought, 3)
    page = client.get(f"/t/{thought}").text
    assert "Used 5 calls, at least 412 + 188 tokens, at least $0.0021" in page
    assert page.count("Made by ") == CATALOGUE.total
