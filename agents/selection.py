"""Selects the provider that the settings name."""

from typing import Final, Protocol

from agents.catalogue import CATALOGUE
from agents.errors import ProviderConfigError
from agents.interface import Provider
from agents.models.configuration import ModelSettings, read_configuration
from agents.models.services import SERVICES
from agents.offline.provider import OfflineProvider
from agents.scripted.call_log import CallLog
from agents.scripted.provider import ScriptedProvider

PROVIDERS: Final = ("offline", *SERVICES, "scripted")


class ProviderSettings(ModelSettings, Protocol):
    """The settings that select a provider; contracts.model_settings.ModelSettings satisfies this protocol."""

    @property
    def allow_scripted(self) -> bool: ...

    @property
    def scripted_delay_ms(self) -> int: ...

    @property
    def scripted_call_log(self) -> str: ...


def make_provider(settings: ProviderSettings) -> Provider:
    """Make the provider that AI_PROVIDER names, without connecting to anything.

    Raises ProviderConfigError, in one line that says what to set, when the provider is unknown, incomplete or not
    allowed.
    """
    check_provider(settings)
    if settings.ai_provider == "offline":
        return OfflineProvider()
    if settings.ai_provider == "scripted":
        log = CallLog(settings.scripted_call_log) if settings.scripted_call_log else None
        return ScriptedProvider(settings.scripted_delay_ms, log)
    # Only a provider that calls a model loads the libraries for it, which need seconds and memory.
    from agents.models.provider import ModelProvider

    return ModelProvider(read_configuration(settings, CATALOGUE.names))


def check_provider(settings: ProviderSettings) -> None:
    """Check the settings of the provider without loading its library. Raises ProviderConfigError as make_provider."""
    if settings.ai_provider not in PROVIDERS:
        raise ProviderConfigError(
            f"AI_PROVIDER={settings.ai_provider} is unknown; set it to one of: {', '.join(PROVIDERS)}"
        )
    if settings.ai_provider in SERVICES:
        read_configuration(settings, CATALOGUE.names)
    if settings.ai_provider == "scripted" and not settings.allow_scripted:
        raise ProviderConfigError(
            "AI_PROVIDER=scripted returns made-up results; set ALLOW_SCRIPTED=true for a test or a benchmark, "
            "or AI_PROVIDER=offline"
        )
