"""Reads docker-compose.yml like Compose: merges anchors and fills in variables. Supports only what this file uses."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from ruamel.yaml import YAML

from tests.stores import ROOT

FILE = ROOT / "docker-compose.yml"
OWN_SERVICES = ("migrate", "topics", "web", "relay", "bridge", "worker", "solo", "beat", "flower")
STORES = ("postgres", "redis", "kafka")

_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>\w+)(?P<operator>:-|:\+|:\?)?)")


class MissingVariableError(Exception):
    """Raised where Compose would stop because the variable of a `${NAME:?message}` has no value."""


def services(environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the services with the variables of a `.env`, or with the defaults when there is none."""
    result: dict[str, Any] = project(environment)["services"]
    return result


def project(environment: Mapping[str, str] | None = None) -> Any:
    """Return the whole file with every variable substituted."""
    return _substitute(_load(), environment or {})


def variables() -> set[str]:
    """Return the names of all variables that the file refers to."""
    text = "\n".join(line for line in FILE.read_text().splitlines() if not line.lstrip().startswith("#"))
    return {match["name"] for match in _VARIABLE.finditer(text) if match["name"]}


def own_environment(service: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of the container's process: names without a value come from `.env`, or are left out."""
    env_file = environment or {}
    pairs = {
        name: env_file.get(name) if value is None else str(value) for name, value in service["environment"].items()
    }
    return {name: value for name, value in pairs.items() if value is not None}


def seconds(duration: str) -> int:
    """Parse a duration of whole seconds, the only kind in the file."""
    assert re.fullmatch(r"\d+s", duration), duration
    return int(duration[:-1])


@cache
def _load() -> Any:
    return YAML(typ="safe", pure=True).load(FILE.read_text())


def _substitute(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return interpolate(value, environment)
    if isinstance(value, dict):
        return {name: _substitute(item, environment) for name, item in value.items()}
    if isinstance(value, list):
        return [_substitute(item, environment) for item in value]
    return value


def interpolate(text: str, environment: Mapping[str, str]) -> str:
    """Substitute `${NAME}`, `${NAME:-default}`, `${NAME:+instead}` and `${NAME:?message}`, nested ones included."""
    match = _VARIABLE.search(text)
    if not match:
        return text
    before, rest = text[: match.start()], text[match.end() :]
    if match["escaped"]:
        return before + "$" + interpolate(rest, environment)
    argument, rest = _split_at_closing_brace(rest)
    return before + _value(match, argument, environment) + interpolate(rest, environment)


def _value(match: "re.Match[str]", argument: str, environment: Mapping[str, str]) -> str:
    value = environment.get(match["name"], "")
    if match["operator"] == ":+":
        return interpolate(argument, environment) if value else ""
    if match["operator"] == ":?" and not value:
        raise MissingVariableError(argument)
    return value or interpolate(argument, environment)


def _split_at_closing_brace(text: str) -> tuple[str, str]:
    depth = 1
    for position, character in enumerate(text):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if not depth:
            return text[:position], text[position + 1 :]
    raise AssertionError(f"a variable is not closed: {text}")
