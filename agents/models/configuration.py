"""Checks the settings of the models, and says which models answer for which agent. Loads no library of a service."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final, Protocol

from agents.errors import ProviderConfigError
from agents.models.names import ModelName
from agents.models.services import LIBRARY, SERVICES, Endpoint, ServiceSettings, make_endpoint

FALLBACK_SETTING: Final = "AI_FALLBACK"


class ModelSettings(ServiceSettings, Protocol):
    """The settings that select the models; contracts.model_settings.ModelSettings satisfies this protocol."""

    @property
    def ai_provider(self) -> str: ...

    @property
    def ai_model(self) -> str: ...

    @property
    def ai_fallback(self) -> str: ...

    def model_for(self, agent_name: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Configuration:
    """Which models answer for each agent, and where they are. It can be used in any process and connects to nothing."""

    models: Mapping[str, Sequence[str]]
    """Agent name -> models as `provider:model`, in the order of preference."""
    endpoints: Mapping[str, Endpoint]
    """Model, as `provider:model` -> endpoint."""


def read_configuration(settings: ModelSettings, agent_names: Sequence[str]) -> Configuration:
    """Return the configuration that the settings describe, for these agents.

    Raises ProviderConfigError, in one line that says what to set, for every wrong or missing setting.
    """
    fallback = list(_fallback(settings))
    sources: dict[ModelName, str] = {}
    models: dict[str, Sequence[str]] = {}
    for agent_name in agent_names:
        setting, preferred = _preferred(settings, agent_name)
        names = dict.fromkeys([preferred, *fallback])
        for name in names:
            sources.setdefault(name, setting if name == preferred else FALLBACK_SETTING)
        models[agent_name] = [str(name) for name in names]
    for name in sources:
        _require_library(name)
    return Configuration(models, {str(name): make_endpoint(name, sources[name], settings) for name in sources})


def _preferred(settings: ModelSettings, agent_name: str) -> tuple[str, ModelName]:
    """Return the setting that names the model of an agent, and the model."""
    own_setting = f"AI_MODEL_{agent_name.upper()}"
    model = settings.model_for(agent_name).strip()
    if not model:
        raise ProviderConfigError(
            f"AI_MODEL: missing; AI_PROVIDER={settings.ai_provider} needs it: set it to a model by the name that the "
            f"service uses (or set {own_setting} and that of every other agent)"
        )
    setting = "AI_MODEL" if model == settings.ai_model.strip() else own_setting
    return setting, ModelName(settings.ai_provider, model)


def _fallback(settings: ModelSettings) -> Iterator[ModelName]:
    for text in filter(None, (part.strip() for part in settings.ai_fallback.split(","))):
        try:
            name = ModelName.parse(text)
        except ValueError:
            name = None
        if name is None or name.provider not in SERVICES:
            problem = "is not provider:model" if name is None else f"names the unknown provider {name.provider!r}"
            raise ProviderConfigError(
                f"{FALLBACK_SETTING}: {text!r} {problem}; the providers are {', '.join(SERVICES)}, and several models "
                "are separated by commas"
            )
        yield name


def _require_library(name: ModelName) -> None:
    """Check, without importing it, that the library of a service is installed."""
    if not all(_is_installed(library) for library in (LIBRARY, SERVICES[name.provider].library)):
        raise ProviderConfigError(
            f"AI_PROVIDER or {FALLBACK_SETTING} selects {name.provider}, whose library is not installed; "
            "run `make install-models`"
        )


def _is_installed(library: str) -> bool:
    try:
        return find_spec(library) is not None
    except ModuleNotFoundError:  # the package above it is missing
        return False
