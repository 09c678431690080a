"""Makes providers that call a fake service, and what their models answer."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

from agents.catalogue import CATALOGUE
from agents.interface import AgentResult
from agents.models.configuration import read_configuration
from agents.models.provider import ModelProvider
from agents.output import AgentOutput
from agents.scripted.samples import sample
from contracts.model_settings import ModelSettings
from tests.agents.calls import make_context, make_input
from tests.agents.models.fake_service import Answer, FakeService, Reply, Request
from tests.agents.models.wires import MODEL_OF, WIRES, Wire, Written

KEY = "sk-a-secret-key-0123456789"
KEYS = dict.fromkeys(("openai_api_key", "anthropic_api_key", "google_api_key"), KEY)


def model_settings(provider: str, url: str, **values: Any) -> ModelSettings:
    """Return the settings with which a provider calls a service at this address."""
    with_version = f"{url}/v1"
    urls = {
        "openai_base_url": with_version,
        "anthropic_base_url": url,
        "google_base_url": url,
        "ollama_base_url": url,
    }
    return ModelSettings(**{"ai_provider": provider, "ai_model": MODEL_OF[provider], **KEYS, **urls, **values})


@contextmanager
def model_provider(provider: str, url: str, **values: Any) -> Iterator[ModelProvider]:
    made = ModelProvider(read_configuration(model_settings(provider, url, **values), CATALOGUE.names))
    with closing(made):
        yield made


def run_once(provider: str, url: str, agent_name: str = "classification", **changes: Any) -> AgentResult:
    """Make one call with a new provider. `changes` are fields of the context, the `agent_input` or `settings`."""
    agent_input = changes.pop("agent_input", None) or make_input()
    with model_provider(provider, url, **changes.pop("settings", {})) as made:
        return made.run(agent_name, agent_input, replace(make_context(), **changes))


def valid_output(agent_name: str) -> Mapping[str, Any]:
    """Return a valid output of an agent, as a model would answer it."""
    return sample(CATALOGUE.named(agent_name).output, make_input().text)


def asked_fields(result: AgentResult) -> Mapping[str, Any]:
    """Return the fields of a result that the model was asked for, as JSON."""
    assert isinstance(result.output, AgentOutput)
    return result.output.model_dump(mode="json", exclude=set(result.output.written_by_code))


def valid_text(agent_name: str = "classification") -> str:
    return json.dumps(valid_output(agent_name))


def writes(wire: Wire, written: Written) -> Answer:
    """Return a service that always answers this."""
    return lambda request: wire.reply(request, written)


def in_turn(*answers: Answer) -> Answer:
    """Return a service that gives these answers one after the other, and repeats the last one."""
    remaining = list(answers)

    def answer(request: Request) -> Reply:
        following = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        return following(request)

    return answer


def always(reply: Callable[[], Reply] | Reply) -> Answer:
    return lambda _: reply() if callable(reply) else reply


def modes(service: FakeService, provider: str) -> list[str]:
    """Return the output modes of the requests that the service received."""
    return [WIRES[provider].mode(request) for request in service.requests]
