"""The environment of the stack's processes, from weakest to strongest:

1. defaults of a stack on one machine (TRUST_USER_ID=true, a SECRET_KEY of its own),
2. `.env` in the project and the caller's environment,
3. the addresses of the stack's own stores,
4. `--set NAME=VALUE`.
"""

import os
from collections.abc import Mapping

from dotenv import dotenv_values

from contracts.settings import Settings, SettingsError, load_settings, require_present_names
from devstack.errors import DevstackError
from devstack.spec.layout import PROJECT, StackDir
from devstack.spec.ports import Ports
from devstack.stores import kafka, postgres, redis_server
from devstack.supervisor.pid_records import DEVSTACK_ENV_VAR


def parse_settings(texts: list[str]) -> dict[str, str]:
    """Read `NAME=VALUE` items. Raises DevstackError."""
    pairs = [text.partition("=") for text in texts]
    for name, separator, _ in pairs:
        if not separator or name.lower() not in Settings.model_fields:
            names = ", ".join(sorted(field.upper() for field in Settings.model_fields))
            raise DevstackError(f"--set {name}: write NAME=VALUE with one of the settings {names}.")
    return {name.upper(): value for name, _, value in pairs}


def build_environment(home: StackDir, ports: Ports, chosen: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of the manager and so of every process."""
    return _defaults(home) | _inherited() | _own_addresses(home, ports) | _internal_variables(home) | dict(chosen)


def load_stack_settings(environment: Mapping[str, str]) -> Settings:
    """The settings as the processes will see them. Raises DevstackError that names the variable to mend."""
    known = {name: environment[name.upper()] for name in Settings.model_fields if environment.get(name.upper())}
    try:
        require_present_names(name for name, value in environment.items() if value)
        return load_settings(**known)
    except SettingsError as unusable:
        raise DevstackError(f"Cannot start. {unusable}") from None


def _defaults(home: StackDir) -> dict[str, str]:
    return {"TRUST_USER_ID": "true", "KAFKA_ENABLED": "true", "SECRET_KEY": home.secret("secret-key")}


def _inherited() -> dict[str, str]:
    from_file = {name.upper(): value for name, value in dotenv_values(PROJECT / ".env").items() if value}
    return from_file | dict(os.environ)


def _own_addresses(home: StackDir, ports: Ports) -> dict[str, str]:
    """CELERY_BROKER_URL and KAFKA_SECURITY_PROTOCOL too: those of another environment do not fit these stores."""
    return {
        "DATABASE_URL": postgres.url(home, ports).replace("postgresql://", "postgresql+psycopg2://"),
        "REDIS_URL": redis_server.url(home, ports),
        "CELERY_BROKER_URL": redis_server.url(home, ports),
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap(ports),
        "KAFKA_SECURITY_PROTOCOL": "PLAINTEXT",
    }


def _internal_variables(home: StackDir) -> dict[str, str]:
    return {DEVSTACK_ENV_VAR: str(home.root), "PYTHONUNBUFFERED": "1"}
