"""`.env.example` documents every setting with its actual default."""

import re
from typing import Any

import pytest
from pydantic import SecretStr

from contracts.settings import Settings, load_settings
from tests.agreements import compose
from tests.stores import ROOT

TEXT = (ROOT / ".env.example").read_text()
OWN, COMPOSE = TEXT.split("# --- docker-compose.yml only ")
REQUIRED_WITH_KAFKA = "KAFKA_BOOTSTRAP_SERVERS"


def setting_lines(text: str) -> dict[str, tuple[bool, str]]:
    """Return for each name whether it is set (not commented out), and its value."""
    matches = re.findall(r"^(#?)([A-Z][A-Z_]*)=(.*)$", text, re.MULTILINE)
    assert len({name for _, name, _ in matches}) == len(matches), "a setting is listed twice"
    return {name: (not comment_mark, value) for comment_mark, name, value in matches}


def format_default(default: Any) -> str:
    """Return a default as it is written in an environment file."""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, float):
        return f"{default:g}"
    return "" if default is None else str(default)


def test_the_file_documents_exactly_the_settings() -> None:
    assert set(setting_lines(OWN)) == {name.upper() for name in Settings.model_fields}


def test_the_file_shows_the_actual_defaults() -> None:
    optional = {name.upper(): field for name, field in Settings.model_fields.items() if not field.is_required()}
    shown = {name: value for name, (_, value) in setting_lines(OWN).items() if name in optional}
    actual = {name: format_default(field.default) for name, field in optional.items()}
    assert shown | {REQUIRED_WITH_KAFKA: ""} == actual


def test_required_settings_have_an_example_value() -> None:
    required = {name.upper() for name, field in Settings.model_fields.items() if field.is_required()}
    assert {name for name, (is_set, _) in setting_lines(OWN).items() if is_set} == {*required, REQUIRED_WITH_KAFKA}


def test_an_unchanged_copy_of_the_file_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    settings = load_settings(_env_file=ROOT / ".env.example")
    assert settings.kafka_bootstrap_servers == "localhost:9092"


def secret_settings() -> list[str]:
    """Return the names of the secret settings."""
    return [name for name, field in Settings.model_fields.items() if field.annotation == SecretStr | None]


def test_each_block_of_settings_starts_with_a_comment() -> None:
    blocks = [block for block in OWN.split("\n\n") if re.search(r"^#?[A-Z_]+=", block, re.MULTILINE)]
    assert all(re.match(r"# \S+ ", block.lstrip("\n")) for block in blocks)


def test_no_secret_has_an_example_value() -> None:
    assert all(setting_lines(OWN)[name.upper()] == (False, "") for name in secret_settings())


def test_the_file_documents_the_additional_variables_of_compose() -> None:
    settings = {name.upper() for name in Settings.model_fields}
    passed_on = {"FLOWER_BASIC_AUTH", "FORWARDED_ALLOW_IPS"}
    assert set(setting_lines(COMPOSE)) == (compose.variables() - settings) | passed_on


def test_the_file_shows_the_actual_defaults_of_compose() -> None:
    for name, (_, value) in setting_lines(COMPOSE).items():
        assert not value or f"${{{name}:-{value}}}" in compose.FILE.read_text(), name
