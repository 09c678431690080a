from dataclasses import dataclass
from pathlib import Path

import pytest

from agents.errors import ProviderConfigError
from agents.offline.provider import OfflineProvider
from agents.scripted.provider import ScriptedProvider
from agents.selection import make_provider
from tests.agents.calls import a_context, an_input


@dataclass(frozen=True)
class Wanted:
    ai_provider: str
    allow_scripted: bool = False
    scripted_delay_ms: int = 0
    scripted_call_log: str = ""


def test_offline_needs_no_permission() -> None:
    assert isinstance(make_provider(Wanted("offline")), OfflineProvider)


def test_scripted_is_refused_unless_it_is_allowed() -> None:
    with pytest.raises(ProviderConfigError, match=r"^AI_PROVIDER=scripted [^\n]* ALLOW_SCRIPTED=true [^\n]*$"):
        make_provider(Wanted("scripted"))


def test_scripted_is_made_when_it_is_allowed() -> None:
    assert isinstance(make_provider(Wanted("scripted", allow_scripted=True)), ScriptedProvider)


def test_an_unknown_provider_is_refused_by_name() -> None:
    with pytest.raises(ProviderConfigError, match="AI_PROVIDER=oracle is unknown; use offline or scripted"):
        make_provider(Wanted("oracle", allow_scripted=True))


def test_a_refusal_is_a_value_error_so_that_settings_can_report_it() -> None:
    assert issubclass(ProviderConfigError, ValueError)


def test_the_call_log_is_made_by_the_first_call_and_not_before(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    provider = make_provider(Wanted("scripted", allow_scripted=True, scripted_call_log=str(log)))
    assert not log.exists()
    provider.run("analysis", an_input(), a_context())
    assert len(log.read_text().splitlines()) == 2
