"""Known models have a price; what is unknown costs None, and never 0."""

from decimal import Decimal

import pytest
from pydantic_ai.usage import RequestUsage

from agents.catalogue import CATALOGUE
from agents.models.configuration import read_configuration
from agents.models.prices import NOTHING, Spent, spent_on
from agents.models.services import Endpoint
from tests.agents.models.fake_service import fake_service
from tests.agents.models.providers import model_settings, run_once, valid_text, writes
from tests.agents.models.wires import MODEL_OF, WIRES, Written

USAGE = RequestUsage(input_tokens=1000, output_tokens=200)


def endpoint_of(provider: str, model: str, url: str = "http://gate.example") -> Endpoint:
    settings = model_settings(provider, url, ai_model=model)
    return read_configuration(settings, CATALOGUE.names).endpoints[f"{provider}:{model}"]


@pytest.mark.parametrize("provider", ["openai", "anthropic", "google"])
def test_a_known_model_has_a_price_also_through_a_gateway(provider: str) -> None:
    spent = spent_on(USAGE, endpoint_of(provider, MODEL_OF[provider]))
    assert spent.cost_usd is not None
    assert Decimal(0) < spent.cost_usd < Decimal("0.1")


@pytest.mark.parametrize(
    ("provider", "model"),
    [("openai", "a-model-of-tomorrow"), ("ollama", "llama3.2"), ("openai-compatible", "gpt-5-mini")],
)
def test_an_unknown_price_is_unknown(provider: str, model: str) -> None:
    assert spent_on(USAGE, endpoint_of(provider, model)) == Spent(1000, 200, None)


def test_a_compatible_service_that_is_known_by_its_address_has_a_price() -> None:
    endpoint = endpoint_of("openai-compatible", "openai/gpt-5-mini", "https://openrouter.ai/api")
    assert spent_on(USAGE, endpoint).cost_usd is not None


def test_the_price_of_openai_is_that_of_its_list() -> None:
    """0.25 USD for a million tokens in, 2 USD for a million tokens out."""
    assert spent_on(USAGE, endpoint_of("openai", "gpt-5-mini")).cost_usd == Decimal("0.00065")


def test_a_usage_that_is_missing_is_unknown() -> None:
    assert spent_on(RequestUsage(), endpoint_of("openai", "gpt-5-mini")) == Spent(None, None, None)


def test_a_sum_is_unknown_where_a_part_is() -> None:
    assert NOTHING.plus(Spent(1, 2, Decimal(3))).plus(Spent(1, None, None)) == Spent(2, None, None)


def test_a_result_carries_its_cost() -> None:
    with fake_service(writes(WIRES["openai"], Written(valid_text()))) as service:
        assert run_once("openai", service.url).cost_usd == Decimal("0.00065")
