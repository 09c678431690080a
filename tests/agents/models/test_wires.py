"""Every provider answers for every agent, over its own wire, whole or streamed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from agents.catalogue import CATALOGUE
from tests.agents.calls import make_context, make_input
from tests.agents.models.fake_service import FakeService, fake_service
from tests.agents.models.providers import KEY, asked_fields, model_provider, run_once, valid_output, valid_text, writes
from tests.agents.models.wires import MODEL_OF, TOKENS_IN, TOKENS_OUT, WIRES, Written

PROVIDERS = sorted(WIRES)


@contextmanager
def service_of(provider: str, text: str) -> Iterator[FakeService]:
    with fake_service(writes(WIRES[provider], Written(text))) as service:
        yield service


@pytest.mark.parametrize("agent_name", CATALOGUE.names)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_answers_for_every_agent(provider: str, agent_name: str) -> None:
    with service_of(provider, valid_text(agent_name)) as service:
        result = run_once(provider, service.url, agent_name)
    answered = valid_output(agent_name)
    output = result.output.model_dump(mode="json")
    assert {name: output[name] for name in answered} == answered
    assert (result.provider, result.model) == (provider, MODEL_OF[provider])
    assert result.version == CATALOGUE.named(agent_name).prompt_version
    assert (result.tokens_in, result.tokens_out) == (TOKENS_IN, TOKENS_OUT)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_answer_is_streamed_when_its_progress_is_watched(provider: str) -> None:
    seen: list[dict[str, Any]] = []
    with service_of(provider, valid_text("action_plan")) as service:
        result = run_once(provider, service.url, "action_plan", on_progress=lambda partial: seen.append(dict(partial)))
        [request] = service.requests
    assert asked_fields(result) == valid_output("action_plan")
    assert (result.tokens_in, result.tokens_out) == (TOKENS_IN, TOKENS_OUT)
    assert request.body.get("stream") or "streamGenerateContent" in request.path


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_answer_is_not_streamed_when_nobody_watches(provider: str) -> None:
    with service_of(provider, valid_text()) as service:
        run_once(provider, service.url)
        [request] = service.requests
    assert not request.body.get("stream")
    assert "streamGenerateContent" not in request.path


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_thought_stands_in_the_message_and_the_schema_in_the_instructions(provider: str) -> None:
    with service_of(provider, valid_text()) as service:
        run_once(provider, service.url, agent_input=make_input("Buy a cello."))
        [request] = service.requests
    body = request.body
    instructions = body.get("system") or body.get("systemInstruction") or body["messages"][0]
    message = body.get("contents") or body["messages"][-1]
    assert "Buy a cello." in json.dumps(message)
    assert "Buy a cello." not in json.dumps(instructions)
    assert "emotional_tone" in json.dumps(instructions)


@pytest.mark.parametrize("provider", [name for name in PROVIDERS if name != "ollama"])
def test_the_key_of_the_settings_is_sent(provider: str) -> None:
    with service_of(provider, valid_text()) as service:
        run_once(provider, service.url)
        [request] = service.requests
    assert KEY in " ".join(request.headers.values())


@pytest.mark.parametrize("provider", ["ollama", "openai-compatible"])
def test_a_server_without_keys_gets_none(provider: str) -> None:
    with service_of(provider, valid_text()) as service:
        with model_provider(provider, service.url, openai_api_key=None) as made:
            made.run("classification", make_input(), make_context())
        [request] = service.requests
    assert KEY not in " ".join(request.headers.values())
