"""Builds the environment of the stack's processes. Later sources override earlier ones:

1. the defaults of a stack on one machine (TRUST_USER_ID=true, the stack's own SECRET_KEY),
2. `.env` in the project, then the caller's environment; of both only what devstack/spec/child_environment.py allows,
3. the addresses of the stack's own stores,
4. `--set NAME=VALUE`.
"""

import json
import os
from collections.abc import Mapping
from typing import Final

from pydantic import TypeAdapter, ValidationError

from contracts.env_file import read_env_file
from contracts.kafka_tls import check_kafka_tls
from contracts.settings import Settings, SettingsError, load_settings, reject_former_names
from devstack.errors import DevstackError
from devstack.spec import child_environment
from devstack.spec.layout import PROJECT, StackDir, write_private
from devstack.spec.ports import Ports
from devstack.stores import kafka, postgres, redis_server
from devstack.supervisor.pid_records import DEVSTACK_ENV_VAR

_SAVED_SETTINGS: Final = TypeAdapter(dict[str, str])


def parse_settings(texts: list[str]) -> dict[str, str]:
    """Parse `NAME=VALUE` items. Raises DevstackError for an unknown setting or a missing value."""
    pairs = [text.partition("=") for text in texts]
    for name, separator, _ in pairs:
        if not separator or name.lower() not in Settings.model_fields:
            names = ", ".join(sorted(field.upper() for field in Settings.model_fields))
            raise DevstackError(f"--set {name}: write NAME=VALUE; the settings are {names}.")
    return {name.upper(): value for name, _, value in pairs}


def build_environment(stack_dir: StackDir, ports: Ports, chosen: Mapping[str, str]) -> dict[str, str]:
    """Return the whole environment of the manager, which every process inherits."""
    return (
        _defaults(stack_dir)
        | _inherited()
        | _own_addresses(stack_dir, ports)
        | _internal_variables(stack_dir)
        | dict(chosen)
    )


def load_stack_settings(environment: Mapping[str, str]) -> Settings:
    """Load the settings as the processes will. Raises DevstackError that names the invalid variables."""
    values = {name: environment[name.upper()] for name in Settings.model_fields if environment.get(name.upper())}
    try:
        reject_former_names(name for name, value in environment.items() if value)
        settings = load_settings(**values)
        if settings.kafka_enabled:
            check_kafka_tls(settings)
    except SettingsError as error:
        raise DevstackError(f"Cannot start. {error}") from None
    return settings


def save_settings(stack_dir: StackDir, chosen: Mapping[str, str]) -> None:
    """Save the settings of `up --set`, readable by their owner only, because settings may be secrets."""
    write_private(stack_dir.settings_file, json.dumps(dict(chosen)))


def load_saved_settings(stack_dir: StackDir) -> dict[str, str]:
    """Return the settings that `up --set` saved; none before the first `up`. Raises DevstackError."""
    try:
        return _SAVED_SETTINGS.validate_json(stack_dir.settings_file.read_bytes())
    except FileNotFoundError:
        return {}
    except ValidationError:  # its text would show settings
        raise DevstackError(
            f"{stack_dir.settings_file} is damaged. Stop the stack with `down`, and start it again with `up`."
        ) from None


def _defaults(stack_dir: StackDir) -> dict[str, str]:
    return {"TRUST_USER_ID": "true", "KAFKA_ENABLED": "true", "SECRET_KEY": stack_dir.secret("secret-key")}


def _inherited() -> dict[str, str]:
    try:
        values = read_env_file(PROJECT / ".env")
    except SettingsError as error:
        raise DevstackError(f"Cannot start. {error}") from None
    from_file = {name.upper(): value for name, value in values.items() if value}
    return child_environment.select(from_file | child_environment.select(os.environ))


def _own_addresses(stack_dir: StackDir, ports: Ports) -> dict[str, str]:
    """Return the stores' addresses, with CELERY_BROKER_URL and KAFKA_SECURITY_PROTOCOL, because inherited values of
    these would be for other stores."""
    return {
        "DATABASE_URL": postgres.url(stack_dir, ports).replace("postgresql://", "postgresql+psycopg2://"),
        "REDIS_URL": redis_server.url(stack_dir, ports),
        "CELERY_BROKER_URL": redis_server.url(stack_dir, ports),
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap(ports),
        "KAFKA_SECURITY_PROTOCOL": "PLAINTEXT",
    }


def _internal_variables(stack_dir: StackDir) -> dict[str, str]:
    return {DEVSTACK_ENV_VAR: str(stack_dir.root), "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
