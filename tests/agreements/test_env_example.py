"""`.env.example` documents every setting, with the default that it really has."""

import re
from typing import Any

import pytest
from pydantic import SecretStr

from contracts.settings import Settings, load_settings
from tests.agreements import compose
from tests.stores import ROOT

TEXT = (ROOT / ".env.example").read_text()
OWN, COMPOSE = TEXT.split("# --- docker-compose.yml alone ")
NEEDED_UNLESS_SWITCHED_OFF = "KAFKA_BOOTSTRAP_SERVERS"


def lines(text: str) -> dict[str, tuple[bool, str]]:
    """Each name, whether it is set (not commented out), and its value."""
    found = re.findall(r"^(#?)([A-Z][A-Z_]*)=(.*)$", text, re.MULTILINE)
    assert len({name for _, name, _ in found}) == len(found), "a name stands there twice"
    return {name: (not mark, value) for mark, name, value in found}


def written(default: Any) -> str:
    """A default as one writes it into an environment file."""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, float):
        return f"{default:g}"
    return "" if default is None else str(default)


def test_every_setting_is_documented_and_nothing_else() -> None:
    assert set(lines(OWN)) == {name.upper() for name in Settings.model_fields}


def test_the_defaults_shown_are_the_real_ones() -> None:
    optional = {name.upper(): field for name, field in Settings.model_fields.items() if not field.is_required()}
    shown = {name: value for name, (_, value) in lines(OWN).items() if name in optional}
    real = {name: written(field.default) for name, field in optional.items()}
    assert shown | {NEEDED_UNLESS_SWITCHED_OFF: ""} == real


def test_what_must_be_set_is_set_to_a_sample() -> None:
    required = {name.upper() for name, field in Settings.model_fields.items() if field.is_required()}
    assert {name for name, (is_set, _) in lines(OWN).items() if is_set} == {*required, NEEDED_UNLESS_SWITCHED_OFF}


def test_a_copy_of_the_file_works_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    settings = load_settings(_env_file=ROOT / ".env.example")
    assert settings.kafka_bootstrap_servers == "localhost:9092"


def secrets() -> list[str]:
    """The settings that nobody else may see."""
    return [name for name, field in Settings.model_fields.items() if field.annotation == SecretStr | None]


def test_each_setting_says_in_a_line_what_it_is_for() -> None:
    blocks = [block for block in OWN.split("\n\n") if re.search(r"^#?[A-Z_]+=", block, re.MULTILINE)]
    assert all(re.match(r"# \S+ ", block.lstrip("\n")) for block in blocks)


def test_no_secret_is_given_away_as_a_sample() -> None:
    assert all(lines(OWN)[name.upper()] == (False, "") for name in secrets())


def test_what_compose_asks_for_beside_the_settings_is_documented() -> None:
    settings = {name.upper() for name in Settings.model_fields}
    passed_on = {"FLOWER_BASIC_AUTH", "FORWARDED_ALLOW_IPS"}
    assert set(lines(COMPOSE)) == (compose.variables() - settings) | passed_on


def test_the_defaults_shown_for_compose_are_the_real_ones() -> None:
    for name, (_, value) in lines(COMPOSE).items():
        assert not value or f"${{{name}:-{value}}}" in compose.FILE.read_text(), name
