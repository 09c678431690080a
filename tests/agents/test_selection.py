"""The settings select the provider, and the scripted one has to be allowed."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from agents.errors import ProviderConfigError
from agents.offline.provider import OfflineProvider
from agents.scripted.provider import ScriptedProvider
from agents.selection import make_provider
from tests.agents.calls import make_context, make_input


@dataclass(frozen=True)
class FakeSettings:
    ai_provider: str
    allow_scripted: bool = False
    scripted_delay_ms: int = 0
    scripted_call_log: str = ""


def test_the_offline_provider_needs_no_permission() -> None:
    assert isinstance(make_provider(FakeSettings("offline")), OfflineProvider)


def test_the_scripted_provider_is_rejected_unless_it_is_allowed() -> None:
    with pytest.raises(ProviderConfigError, match=r"^AI_PROVIDER=scripted [^\n]* ALLOW_SCRIPTED=true [^\n]*$"):
        make_provider(FakeSettings("scripted"))


def test_the_scripted_provider_is_made_when_it_is_allowed() -> None:
    assert isinstance(make_provider(FakeSettings("scripted", allow_scripted=True)), ScriptedProvider)


def test_an_unknown_provider_is_rejected_by_name() -> None:
    with pytest.raises(ProviderConfigError, match="AI_PROVIDER=oracle is unknown; set it to offline or scripted"):
        make_provider(FakeSettings("oracle", allow_scripted=True))


def test_a_provider_config_error_is_a_value_error() -> None:
    assert issubclass(ProviderConfigError, ValueError)


def test_the_call_log_is_created_by_the_first_call(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    provider = make_provider(FakeSettings("scripted", allow_scripted=True, scripted_call_log=str(log)))
    assert not log.exists()
    provider.run("analysis", make_input(), make_context())
    assert len(log.read_text().splitlines()) == 2
