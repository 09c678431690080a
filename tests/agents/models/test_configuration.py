"""Every wrong combination of settings is refused at start, in one line that says what to set."""

from importlib.util import find_spec
from typing import Any

import pytest
from pydantic import SecretStr

from agents.catalogue import CATALOGUE
from agents.errors import ProviderConfigError
from agents.models import configuration
from agents.models.configuration import Configuration, read_configuration
from agents.models.names import ModelName
from agents.selection import check_provider
from contracts.model_settings import ModelSettings
from tests.agents.models.providers import KEY


def configure(**values: Any) -> Configuration:
    return read_configuration(ModelSettings(**values), CATALOGUE.names)


WRONG = {
    "no model": ({"ai_provider": "ollama"}, "AI_MODEL: missing"),
    "a model of one agent only": (
        {"ai_provider": "ollama", "ai_model_priority": "llama3.2"},
        "AI_MODEL: missing; .* AI_MODEL_CLASSIFICATION",
    ),
    "no key for OpenAI": ({"ai_provider": "openai", "ai_model": "gpt-5"}, "OPENAI_API_KEY: missing"),
    "no key for Anthropic": ({"ai_provider": "anthropic", "ai_model": "claude"}, "ANTHROPIC_API_KEY: missing"),
    "no key for Google": ({"ai_provider": "google", "ai_model": "gemini"}, "GOOGLE_API_KEY: missing"),
    "a blank key": (
        {"ai_provider": "openai", "ai_model": "gpt-5", "openai_api_key": " "},
        "OPENAI_API_KEY: missing",
    ),
    "a key with a line break": (
        {"ai_provider": "openai", "ai_model": "gpt-5", "openai_api_key": f"{KEY}\n{KEY}"},
        "OPENAI_API_KEY: contains a character",
    ),
    "a key with a typographic dash": (
        {"ai_provider": "openai", "ai_model": "gpt-5", "openai_api_key": f"{KEY}\u2013"},
        "OPENAI_API_KEY: contains a character",
    ),
    "no address": ({"ai_provider": "openai-compatible", "ai_model": "a-model"}, "OPENAI_BASE_URL: missing"),
    "an address without a scheme": (
        {"ai_provider": "ollama", "ai_model": "llama3.2", "ollama_base_url": "localhost:11434"},
        "OLLAMA_BASE_URL: must be an address",
    ),
    "an address with a wrong port": (
        {"ai_provider": "ollama", "ai_model": "llama3.2", "ollama_base_url": "http://localhost:port"},
        "OLLAMA_BASE_URL: must be an address",
    ),
    "a fallback without a provider": (
        {"ai_provider": "ollama", "ai_model": "llama3.2", "ai_fallback": "gpt-5"},
        "AI_FALLBACK: 'gpt-5' is not provider:model",
    ),
    "a fallback without a model": (
        {"ai_provider": "ollama", "ai_model": "llama3.2", "ai_fallback": "ollama:"},
        "AI_FALLBACK: 'ollama:' is not provider:model",
    ),
    "a fallback to an unknown provider": (
        {"ai_provider": "ollama", "ai_model": "llama3.2", "ai_fallback": "offline:rules"},
        "AI_FALLBACK: 'offline:rules' names the unknown provider 'offline'; the providers are openai, ",
    ),
    "a fallback without its key": (
        {"ai_provider": "ollama", "ai_model": "llama3.2", "ai_fallback": "openai:gpt-5"},
        "OPENAI_API_KEY: missing; AI_FALLBACK selects",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_combination_is_refused_in_one_line(case: str) -> None:
    values, message = WRONG[case]
    with pytest.raises(ProviderConfigError, match=f"^{message}") as raised:
        check_provider(ModelSettings(**values))
    assert "\n" not in str(raised.value)
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("missing", ["pydantic_ai", "openai"])
def test_a_provider_without_its_library_is_refused_with_the_command(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configuration, "find_spec", lambda name: None if name == missing else find_spec(name))
    with pytest.raises(
        ProviderConfigError, match=r"^AI_PROVIDER or AI_FALLBACK selects ollama, .* `make install-models`$"
    ):
        configure(ai_provider="ollama", ai_model="llama3.2")


def test_a_library_whose_parent_is_missing_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str) -> Any:
        if name == "google.genai":
            raise ModuleNotFoundError(name)
        return find_spec(name)

    monkeypatch.setattr(configuration, "find_spec", find)
    with pytest.raises(ProviderConfigError, match="make install-models"):
        configure(ai_provider="google", ai_model="gemini", google_api_key=KEY)


def test_the_model_of_an_agent_comes_first_and_the_fallbacks_follow_in_order() -> None:
    configured = configure(
        ai_provider="ollama",
        ai_model="llama3.2",
        ai_model_priority="qwen3:8b",
        ai_fallback=" openai:gpt-5-mini , ollama:llama3.2,",
        openai_api_key=KEY,
    )
    assert configured.models["priority"] == ["ollama:qwen3:8b", "openai:gpt-5-mini", "ollama:llama3.2"]
    assert configured.models["analysis"] == ["ollama:llama3.2", "openai:gpt-5-mini"]
    sources = {model: endpoint.model_setting for model, endpoint in configured.endpoints.items()}
    assert sources == {
        "ollama:llama3.2": "AI_MODEL",
        "openai:gpt-5-mini": "AI_FALLBACK",
        "ollama:qwen3:8b": "AI_MODEL_PRIORITY",
    }


@pytest.mark.parametrize(
    ("values", "url"),
    [
        ({"ai_provider": "openai", "openai_api_key": KEY}, "https://api.openai.com/v1"),
        ({"ai_provider": "anthropic", "anthropic_api_key": KEY}, "https://api.anthropic.com"),
        ({"ai_provider": "google", "gemini_api_key": KEY}, "https://generativelanguage.googleapis.com"),
        ({"ai_provider": "ollama"}, "http://localhost:11434/v1"),
        ({"ai_provider": "ollama", "ollama_base_url": "http://box:11434/v1/"}, "http://box:11434/v1"),
        ({"ai_provider": "openai-compatible", "openai_base_url": "http://box:8080/v1"}, "http://box:8080/v1"),
        ({"ai_provider": "openai", "openai_api_key": KEY, "openai_base_url": "http://gate/v1"}, "http://gate/v1"),
    ],
)
def test_an_address_is_the_vendors_own_unless_it_is_set(values: dict[str, Any], url: str) -> None:
    [endpoint] = configure(ai_model="a-model", **values).endpoints.values()
    assert endpoint.base_url == url


def test_either_name_of_googles_key_will_do() -> None:
    for setting in ("google_api_key", "gemini_api_key"):
        [endpoint] = configure(ai_provider="google", ai_model="gemini", **{setting: KEY}).endpoints.values()
        assert endpoint.key == SecretStr(KEY)
        assert endpoint.key_setting == setting.upper()


def test_no_repr_shows_a_key_and_no_address_shows_a_password() -> None:
    configured = configure(
        ai_provider="openai", ai_model="gpt-5", openai_api_key=KEY, openai_base_url="https://me:secret@gate.example/v1"
    )
    [endpoint] = configured.endpoints.values()
    assert KEY not in repr(configured)
    assert "secret" not in repr(configured)
    assert endpoint.address == "https://gate.example/v1"
    assert set(endpoint.secrets()) == {KEY, "secret", "me"}


@pytest.mark.parametrize("text", ["", "gpt-5", ":gpt-5", "openai:", " : "])
def test_a_name_without_a_provider_or_a_model_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not provider:model"):
        ModelName.parse(text)


def test_a_name_is_read_as_it_is_written() -> None:
    assert str(ModelName.parse("ollama:qwen3:8b")) == "ollama:qwen3:8b"
