"""docker-compose.yml as Compose sees it: anchors merged, variables filled in. Enough of Compose for this one file."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from ruamel.yaml import YAML

from tests.stores import ROOT

FILE = ROOT / "docker-compose.yml"
OURS = ("migrate", "topics", "web", "relay", "bridge", "worker", "solo", "beat", "flower")
STORES = ("postgres", "redis", "kafka")

_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>\w+)(?P<operator>:-|:\+|:\?)?)")


class RefusedError(Exception):
    """Raised where Compose would stop because a `${NAME:?message}` has no value."""


def services(environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The services as a given `.env` makes them; without one, as for a first look."""
    found: dict[str, Any] = project(environment)["services"]
    return found


def project(environment: Mapping[str, str] | None = None) -> Any:
    """The whole file with every variable filled in."""
    return _filled(_loaded(), environment or {})


def variables() -> set[str]:
    """The names of all variables that the file itself asks for."""
    text = "\n".join(line for line in FILE.read_text().splitlines() if not line.lstrip().startswith("#"))
    return {found["name"] for found in _VARIABLE.finditer(text) if found["name"]}


def own_environment(service: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """What the container's process finds: names without a value come from `.env`, or are left out."""
    given = environment or {}
    pairs = {name: given.get(name) if value is None else str(value) for name, value in service["environment"].items()}
    return {name: value for name, value in pairs.items() if value is not None}


def seconds(duration: str) -> int:
    """A duration of whole seconds, the only ones that the file has."""
    assert re.fullmatch(r"\d+s", duration), duration
    return int(duration[:-1])


@cache
def _loaded() -> Any:
    return YAML(typ="safe", pure=True).load(FILE.read_text())


def _filled(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return interpolate(value, environment)
    if isinstance(value, dict):
        return {name: _filled(item, environment) for name, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, environment) for item in value]
    return value


def interpolate(text: str, environment: Mapping[str, str]) -> str:
    """Fill in `${NAME}`, `${NAME:-default}`, `${NAME:+instead}` and `${NAME:?message}`, one within another too."""
    found = _VARIABLE.search(text)
    if not found:
        return text
    before, rest = text[: found.start()], text[found.end() :]
    if found["escaped"]:
        return before + "$" + interpolate(rest, environment)
    argument, rest = _until_closed(rest)
    return before + _value(found, argument, environment) + interpolate(rest, environment)


def _value(found: "re.Match[str]", argument: str, environment: Mapping[str, str]) -> str:
    value = environment.get(found["name"], "")
    if found["operator"] == ":+":
        return interpolate(argument, environment) if value else ""
    if found["operator"] == ":?" and not value:
        raise RefusedError(argument)
    return value or interpolate(argument, environment)


def _until_closed(text: str) -> tuple[str, str]:
    depth = 1
    for place, character in enumerate(text):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if not depth:
            return text[:place], text[place + 1 :]
    raise AssertionError(f"a variable is not closed: {text}")
