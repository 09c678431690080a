"""Selects the provider that the settings name."""

from typing import Protocol

from agents.errors import ProviderConfigError
from agents.interface import Provider
from agents.offline.provider import OfflineProvider
from agents.scripted.call_log import CallLog
from agents.scripted.provider import ScriptedProvider


class ProviderSettings(Protocol):
    """The settings that select a provider; contracts.settings.Settings satisfies this protocol."""

    @property
    def ai_provider(self) -> str: ...

    @property
    def allow_scripted(self) -> bool: ...

    @property
    def scripted_delay_ms(self) -> int: ...

    @property
    def scripted_call_log(self) -> str: ...


def make_provider(settings: ProviderSettings) -> Provider:
    """Make the provider that AI_PROVIDER names, without connecting to anything.

    Raises ProviderConfigError when the provider is unknown or not allowed.
    """
    if settings.ai_provider == "offline":
        return OfflineProvider()
    if settings.ai_provider == "scripted":
        return _scripted(settings)
    raise ProviderConfigError(f"AI_PROVIDER={settings.ai_provider} is unknown; set it to offline or scripted")


def _scripted(settings: ProviderSettings) -> Provider:
    if not settings.allow_scripted:
        raise ProviderConfigError(
            "AI_PROVIDER=scripted returns made-up results; set ALLOW_SCRIPTED=true for a test or a benchmark, "
            "or AI_PROVIDER=offline"
        )
    log = CallLog(settings.scripted_call_log) if settings.scripted_call_log else None
    return ScriptedProvider(settings.scripted_delay_ms, log)
