"""The settings select the provider, and the scripted one has to be allowed."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agents.errors import ProviderConfigError
from agents.offline.provider import OfflineProvider
from agents.scripted.provider import ScriptedProvider
from agents.selection import make_provider
from contracts.model_settings import ModelSettings
from tests.agents.calls import make_context, make_input
from tests.stores import ROOT


def settings_of(provider: str, **values: Any) -> ModelSettings:
    """Return settings, also for a provider that the settings themselves would refuse."""
    return ModelSettings.model_construct(**{"ai_provider": provider, **values})


def test_the_offline_provider_needs_no_permission() -> None:
    assert isinstance(make_provider(settings_of("offline")), OfflineProvider)


def test_the_scripted_provider_is_rejected_unless_it_is_allowed() -> None:
    with pytest.raises(ProviderConfigError, match=r"^AI_PROVIDER=scripted [^\n]* ALLOW_SCRIPTED=true [^\n]*$"):
        make_provider(settings_of("scripted"))


def test_the_scripted_provider_is_made_when_it_is_allowed() -> None:
    assert isinstance(make_provider(settings_of("scripted", allow_scripted=True)), ScriptedProvider)


def test_an_unknown_provider_is_rejected_by_name() -> None:
    with pytest.raises(
        ProviderConfigError, match=r"^AI_PROVIDER=oracle is unknown; set it to one of: offline, openai, .*, scripted$"
    ):
        make_provider(settings_of("oracle", allow_scripted=True))


def test_a_provider_config_error_is_a_value_error() -> None:
    assert issubclass(ProviderConfigError, ValueError)


def test_the_call_log_is_created_by_the_first_call(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    provider = make_provider(settings_of("scripted", allow_scripted=True, scripted_call_log=str(log)))
    assert not log.exists()
    provider.run("analysis", make_input(), make_context())
    assert len(log.read_text().splitlines()) == 2


@pytest.mark.parametrize(("provider", "loads"), [("offline", False), ("scripted", False), ("ollama", True)])
def test_only_a_model_provider_loads_its_library(provider: str, loads: bool) -> None:
    program = (
        "import sys; from agents.selection import make_provider; from contracts.model_settings import ModelSettings; "
        f"make_provider(ModelSettings(ai_provider={provider!r}, ai_model='a-model', allow_scripted=True)); "
        "print([name for name in ('pydantic_ai', 'openai', 'genai_prices') if name in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert output.stdout.strip() == str(["pydantic_ai", "openai", "genai_prices"] if loads else [])
