"""Says which provider answers for the agents, and whether an Ollama on this machine could."""

import json
from collections.abc import Sequence
from typing import Any, Final
from urllib.request import ProxyHandler, build_opener

from agents.catalogue import CATALOGUE
from agents.errors import ProviderConfigError
from agents.models.configuration import read_configuration
from agents.selection import check_provider
from contracts.model_settings import ModelSettings
from devstack.errors import DevstackError

OLLAMA_SECONDS: Final = 0.3
"""How long an Ollama may take to list its models. On the machine itself it takes milliseconds."""

MAX_MODELS: Final = 5
"""How many models the line names."""


def require_provider(settings: ModelSettings) -> None:
    """Check the settings of the provider. Raises DevstackError, before a worker would stop because of them."""
    try:
        check_provider(settings)
    except ProviderConfigError as error:
        raise DevstackError(f"Cannot start. {error}") from None


def describe_provider(settings: ModelSettings) -> str:
    """Return one line: the models that answer, or what answers without one."""
    if settings.calls_a_model:
        models = read_configuration(settings, CATALOGUE.names).endpoints
        return f"{', '.join(models)} (`.venv/bin/python -m agents check` tests each model)"
    if settings.ai_provider != "offline":
        return settings.ai_provider
    models_here = ollama_models(settings.ollama_base_url)
    if not models_here:
        return "offline rules"
    return (
        f"offline rules. An Ollama answers at {settings.ollama_base_url} with {', '.join(models_here[:MAX_MODELS])}: "
        f"set AI_PROVIDER=ollama and AI_MODEL={models_here[0]} to use it"
    )


def ollama_models(base_url: str) -> Sequence[str]:
    """Return the models of the Ollama at this address; none when no Ollama answers at once."""
    opener = build_opener(ProxyHandler({}))  # a proxy does not know this machine's own servers
    try:
        with opener.open(f"{base_url.rstrip('/').removesuffix('/v1')}/api/tags", timeout=OLLAMA_SECONDS) as response:
            return _names(json.load(response))
    except (OSError, ValueError):
        return []


def _names(answer: Any) -> list[str]:
    """Return the names in Ollama's list of models; none when it is no such list."""
    models = answer.get("models") if isinstance(answer, dict) else None
    names = [model.get("name") for model in models or [] if isinstance(model, dict)]
    return [name for name in names if isinstance(name, str) and name.isprintable()]
