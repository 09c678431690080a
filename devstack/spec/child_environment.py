"""Selects the variables of the caller's environment that the stack's processes get: a list of what is allowed.

Libraries, interpreters and servers read hundreds of variables behind the settings (PYTHONWARNINGS, PGOPTIONS,
LD_PRELOAD, JAVA_TOOL_OPTIONS, GUNICORN_CMD_ARGS, those of Kubernetes services), and what was meant for other programs
must not change these. `up --env` passes a variable to a process on purpose.
"""

import os
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from contracts.settings import FORMER_NAMES, Settings

SYSTEM: Final = frozenset({"PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE"})

LOCALE_PREFIX: Final = "LC_"

MODEL_CALLS: Final = frozenset(
    {f"{scheme}_proxy" for scheme in ("http", "https", "all", "no")}
    | {f"{scheme}_PROXY" for scheme in ("HTTP", "HTTPS", "ALL", "NO")}
    | {"SSL_CERT_FILE", "SSL_CERT_DIR"}
)
"""How a call of a model leaves this machine. The keys and addresses of the models are settings."""

DOCUMENTED: Final = frozenset({"FLOWER_BASIC_AUTH", "FORWARDED_ALLOW_IPS"})
"""Variables of .env.example that Flower and gunicorn read themselves."""

TERMINAL: Final = frozenset({"TERM", "COLUMNS", "LINES", "NO_COLOR", "PYTHONIOENCODING", "TZ"})
"""What only a command that a person runs needs."""

OWN: Final = TERMINAL | {"XDG_CACHE_HOME", "JAVA_HOME", "MAVEN_OPTS"}
"""What devstack itself needs in addition: the cache of Kafka's jars, and Maven."""

SETTINGS: Final = frozenset(name.upper() for name in Settings.model_fields) | FORMER_NAMES.keys()
"""The settings, and their former names, so that one of these is rejected instead of ignored."""


def select(environment: Mapping[str, str], *, extra: frozenset[str] = frozenset()) -> dict[str, str]:
    """Return the variables that a process of the stack may get from this environment, and those in `extra`.

    Names of settings are in upper case, as in `.env`; the settings are read without regard to case.
    """
    settings = {name.upper(): value for name, value in sorted(environment.items()) if name.upper() in SETTINGS}
    exact = {name: value for name, value in environment.items() if name in SETTINGS}
    allowed = SYSTEM | MODEL_CALLS | DOCUMENTED | extra
    others = {
        name: value
        for name, value in environment.items()
        if name in allowed or (name.startswith(LOCALE_PREFIX) and name.isupper())
    }
    return settings | exact | others | _directories(environment)


def clean(environment: "os._Environ[str]") -> None:
    """Remove every other variable from this process's own environment, which libraries in it read too."""
    allowed = select(environment, extra=OWN)
    for name in environment.keys() - allowed.keys():
        del environment[name]


def _directories(environment: Mapping[str, str]) -> dict[str, str]:
    """Return TMPDIR if it can be used, and the folder of Python's own library if Python was found with its help."""
    directories = {}
    temporary = environment.get("TMPDIR", "")
    if temporary and os.access(temporary, os.W_OK | os.X_OK) and Path(temporary).is_dir():
        directories["TMPDIR"] = temporary
    library = str(sysconfig.get_config_var("LIBDIR") or "")
    if library in environment.get("LD_LIBRARY_PATH", "").split(":") and sysconfig.get_config_var("Py_ENABLE_SHARED"):
        directories["LD_LIBRARY_PATH"] = library
    return directories
