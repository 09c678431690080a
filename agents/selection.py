"""Which provider plays the agents, as the settings say."""

from typing import Protocol

from agents.errors import ProviderConfigError
from agents.interface import Provider
from agents.offline.provider import OfflineProvider
from agents.scripted.call_log import CallLog
from agents.scripted.provider import ScriptedProvider


class ProviderSettings(Protocol):
    """The settings that decide; contracts.settings.Settings has them all."""

    @property
    def ai_provider(self) -> str: ...

    @property
    def allow_scripted(self) -> bool: ...

    @property
    def scripted_delay_ms(self) -> int: ...

    @property
    def scripted_call_log(self) -> str: ...


def make_provider(settings: ProviderSettings) -> Provider:
    """The provider named by AI_PROVIDER. Connects to nothing. Raises ProviderRefused with one clear line."""
    if settings.ai_provider == "offline":
        return OfflineProvider()
    if settings.ai_provider == "scripted":
        return _scripted(settings)
    raise ProviderConfigError(f"AI_PROVIDER={settings.ai_provider} is unknown; use offline or scripted")


def _scripted(settings: ProviderSettings) -> Provider:
    if not settings.allow_scripted:
        raise ProviderConfigError(
            "AI_PROVIDER=scripted answers with made-up results; set ALLOW_SCRIPTED=true if this is a test or a bench"
        )
    log = CallLog(settings.scripted_call_log) if settings.scripted_call_log else None
    return ScriptedProvider(settings.scripted_delay_ms, log)
