"""The native mode comes first, and the mode in which a model answered is remembered."""

from collections.abc import Iterator

import pytest
from pydantic_ai.models import ModelRequestParameters

from agents.catalogue import CATALOGUE
from agents.models.output_modes import OutputMode, request_parameters
from agents.models.schema import output_schema, schema_text
from tests.agents.calls import make_context, make_input
from tests.agents.models.fake_service import Reply, Request, fake_service
from tests.agents.models.providers import model_provider, modes, valid_text
from tests.agents.models.wires import WIRES, Written


@pytest.mark.parametrize("provider", sorted(WIRES))
def test_the_mode_in_which_a_model_answered_is_remembered(provider: str) -> None:
    wire = WIRES[provider]

    def answer(request: Request) -> Reply:
        if wire.mode(request) == "native":
            return wire.error(400, "response_format is not supported", "invalid_request_error")
        return wire.reply(request, Written(valid_text(), is_tool_call=True))

    with fake_service(answer) as service, model_provider(provider, service.url) as made:
        for _ in range(3):
            made.run("classification", make_input(), make_context())
    assert modes(service, provider) == ["native", "tool", "tool", "tool"]


def test_each_model_has_its_own_mode() -> None:
    wire = WIRES["openai"]

    def answer(request: Request) -> Reply:
        if request.body["model"] == "old" and wire.mode(request) != "prompted":
            return wire.error(400, "not supported")
        return wire.reply(request, Written(valid_text()))

    settings = {"ai_model": "old", "ai_fallback": "openai:new"}
    with fake_service(answer) as service, model_provider("openai", service.url, **settings) as made:
        first, second = made.models("classification")
        for model in (first, second, first):
            context = make_context(model=model)
            made.run("classification", make_input(), context)
    assert modes(service, "openai") == ["native", "tool", "prompted", "native", "prompted"]


def test_a_limit_of_tokens_that_was_raised_is_remembered() -> None:
    wire = WIRES["openai"]

    def answer(request: Request) -> Reply:
        is_enough = request.body["max_completion_tokens"] > 5000
        return wire.reply(request, Written(valid_text() if is_enough else "", finish="stop" if is_enough else "length"))

    with fake_service(answer) as service, model_provider("openai", service.url) as made:
        for _ in range(2):
            made.run("classification", make_input(), make_context())
    assert [request.body["max_completion_tokens"] for request in service.requests] == [4096, 16384, 16384]


@pytest.mark.parametrize("agent_name", CATALOGUE.names)
def test_a_schema_has_only_names_that_strict_services_know(agent_name: str) -> None:
    names = set(names_in(output_schema(CATALOGUE.named(agent_name).output)))
    assert not names & {"ge", "le", "gt", "lt"}


def names_in(node: object) -> Iterator[str]:
    """Yield the names of a schema's keywords, and not those of the fields."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield name
            yield from names_in(list(value.values()) if name in {"properties", "$defs"} else value)
    if isinstance(node, list):
        for item in node:
            yield from names_in(item)


def test_a_schema_keeps_the_bounds_of_a_score() -> None:
    schema = output_schema(CATALOGUE.named("value_impact").output)
    score = schema["$defs"]["EconomicValue"]["properties"]["score"]["anyOf"][0]
    assert score == {"type": "integer", "minimum": 0, "maximum": 10}


@pytest.mark.parametrize("mode", ["native", "tool", "prompted"])
def test_no_mode_adds_instructions_of_the_library(mode: OutputMode) -> None:
    """The schema stands in our instructions already."""
    parameters: ModelRequestParameters = request_parameters(CATALOGUE.named("priority").output, mode)
    assert parameters.prompted_output_template is False
    assert '"priority_level"' in schema_text(CATALOGUE.named("priority").output)
