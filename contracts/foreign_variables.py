"""Rejects or removes variables of the environment that libraries read behind the settings.

Celery prefers CELERY_BROKER_READ_URL to its configuration, and turns every CELERY_WORKER_* variable into an option;
gunicorn adds GUNICORN_CMD_ARGS to its command line. A process that is given one stops with one line per variable,
because ignoring it would surprise the person who set it. Kubernetes adds variables for each service, such as
FLOWER_PORT=tcp://10.0.0.9:8001, which nobody has chosen: those that Flower would read are removed, others are ignored.
"""

import re
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Final

from contracts.setting_errors import SettingsError

SERVICE_LINK: Final = re.compile(
    r"[A-Z0-9_]+_(SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|PORT(_\d+_[A-Z]+(_(PROTO|PORT|ADDR))?)?)"
)
"""The names of the variables that Kubernetes, and Docker's former links, add for each service."""

_LINK_VALUE: Final = re.compile(r"[a-z]+://.*")

_CELERY: Final = "Celery reads it instead of this system's settings; unset it (the broker is set by CELERY_BROKER_URL)"
_FLOWER: Final = "Flower reads it behind the settings; unset it, and pass the option to `celery -A tasks flower`"
_WEB: Final = "it changes the web behind the settings; unset it, and pass options of gunicorn on its command line"

_CELERY_OPTIONS: Final = ("BROKER_URL", "RESULT_BACKEND", "LOADER", "CONFIG_MODULE")
"""Variables without Celery's prefix from which the command `celery` takes its options."""

_CELERY_HARMLESS: Final = ("CELERY_BROKER_URL", "CELERY_LOG_")
"""A setting of this system, and what a running Celery itself sets."""

_MODEL: Final = "the client of a model reads it behind the settings; unset it (.env.example lists what can be set)"

_MODEL_VARIABLES: Final = (
    "OPENAI_ORG_ID",
    "OPENAI_PROJECT_ID",
    "OPENAI_CUSTOM_HEADERS",
    "OPENAI_LOG",
    "ANTHROPIC_CUSTOM_HEADERS",
    "ANTHROPIC_LOG",
)
"""What the clients of OpenAI and Anthropic add to each request, or log of it."""

_WEB_VARIABLES: Final = ("GUNICORN_CMD_ARGS", "FLASK_DEBUG", "SCRIPT_NAME")
_OFF: Final = ("", "0", "false", "no")


def reject_for_every_process(environment: Mapping[str, str]) -> None:
    """Check that no variable changes where Celery sends and reads messages.

    Raises SettingsError with one line per variable, without its value.
    """
    prefixed = (name for name in _names(environment, "CELERY_") if not name.startswith(_CELERY_HARMLESS))
    _reject(dict.fromkeys(prefixed, _CELERY))


def reject_for_web(environment: Mapping[str, str]) -> None:
    """Check that no variable changes how gunicorn and Flask run. Raises SettingsError."""
    _reject({name: _WEB for name in _WEB_VARIABLES if environment.get(name, "").lower() not in _OFF})


def reject_for_models(environment: Mapping[str, str]) -> None:
    """Check that no variable changes what is sent to a model service or logged of it. Raises SettingsError."""
    names = [name for name in _MODEL_VARIABLES if environment.get(name)]
    _reject(dict.fromkeys([*names, *_names(environment, "GOOGLE_GENAI_")], _MODEL))


def prepare_for_celery(environment: MutableMapping[str, str]) -> None:
    """Remove the service links that Flower would read as its options, and check that no other variable sets options.

    Raises SettingsError.
    """
    for name in [name for name in environment if name.startswith("FLOWER_") and is_service_link(environment, name)]:
        del environment[name]
    options = {name: _CELERY for name in _CELERY_OPTIONS if environment.get(name)}
    flower = (name for name in _names(environment, "FLOWER_") if name != "FLOWER_BASIC_AUTH")
    _reject(options | dict.fromkeys(flower, _FLOWER))


def is_service_link(environment: Mapping[str, str], name: str) -> bool:
    """Return whether Kubernetes or Docker added this variable for a service."""
    if not SERVICE_LINK.fullmatch(name):
        return False
    return not name.endswith("_PORT") or "_SERVICE_" in name or bool(_LINK_VALUE.fullmatch(environment[name]))


def _names(environment: Mapping[str, str], prefix: str) -> Iterable[str]:
    """Return the names with this prefix that have a value and are no service links."""
    return (
        name
        for name, value in environment.items()
        if name.startswith(prefix) and value and not is_service_link(environment, name)
    )


def _reject(reasons: Mapping[str, str]) -> None:
    if reasons:
        raise SettingsError("\n".join(f"{name}: {reason}" for name, reason in sorted(reasons.items())))
