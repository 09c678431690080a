"""`up` says which provider answers for the agents, and starts nothing when the settings of the provider are wrong."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.model_settings import ModelSettings
from devstack.commands.active_provider import describe_provider, ollama_models, require_provider
from devstack.errors import DevstackError
from tests.agents.models.fake_service import (
    FakeService,
    Reply,
    Request,
    fake_service,
    json_reply,
    never_ending,
    refusing_address,
)
from tests.agents.models.providers import KEY, always
from tests.devstack.stacks import devstack


def ollama(request: Request) -> Reply:
    names = ["qwen3:8b", "llama3.2:latest"]
    return json_reply({"models": [{"name": name} for name in names]} if request.path == "/api/tags" else {})


@pytest.fixture
def ollama_service() -> Iterator[FakeService]:
    with fake_service(ollama) as service:
        yield service


@pytest.mark.parametrize("suffix", ["", "/", "/v1"])
def test_an_ollama_on_this_machine_is_offered_with_the_two_settings(ollama_service: FakeService, suffix: str) -> None:
    url = f"{ollama_service.url}{suffix}"
    assert describe_provider(ModelSettings(ollama_base_url=url)) == (
        f"offline rules. An Ollama answers at {url} with qwen3:8b, llama3.2:latest: "
        "set AI_PROVIDER=ollama and AI_MODEL=qwen3:8b to use it"
    )


def test_no_ollama_is_mentioned_when_none_answers() -> None:
    with refusing_address() as url:
        assert describe_provider(ModelSettings(ollama_base_url=url)) == "offline rules"


def test_a_server_that_never_answers_does_not_delay_the_start() -> None:
    with fake_service(lambda _: never_ending(lambda: service)) as service:
        assert ollama_models(service.url) == []
        assert not service.stopping.is_set()


@pytest.mark.parametrize("answer", [[], {}, {"models": None}, {"models": ["x", {"name": 1}, {"name": "\x1b[2J"}]}, 3])
def test_a_server_that_is_no_ollama_is_not_mentioned(answer: Any) -> None:
    with fake_service(always(json_reply(answer))) as service:
        assert ollama_models(service.url) == []


def test_the_models_that_answer_are_named() -> None:
    settings = ModelSettings(ai_provider="openai", ai_model="gpt-5", openai_api_key=KEY, ai_fallback="ollama:qwen3")
    assert (
        describe_provider(settings)
        == "openai:gpt-5, ollama:qwen3 (`.venv/bin/python -m agents check` tests each model)"
    )


def test_another_provider_is_named() -> None:
    assert describe_provider(ModelSettings(ai_provider="scripted", allow_scripted=True)) == "scripted"


def test_a_provider_with_a_missing_setting_is_refused() -> None:
    with pytest.raises(DevstackError, match=r"^Cannot start\. AI_MODEL: missing"):
        require_provider(ModelSettings(ai_provider="ollama"))


def test_up_starts_nothing_when_a_setting_of_the_provider_is_missing(tmp_path: Path) -> None:
    options = (
        "--dir",
        str(tmp_path / "stack"),
        "--port-base",
        "21700",
        "--set",
        "AI_PROVIDER=ollama",
        "--set",
        "AI_MODEL=",
    )
    process = devstack("up", *options)
    assert process.returncode == 1
    assert process.stderr.startswith("Cannot start. AI_MODEL: missing")
    assert "Starting" not in process.stdout
