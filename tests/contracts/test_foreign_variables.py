"""Variables that libraries read behind the settings end a process with one line; service links are removed."""

from pathlib import Path

import pytest

from contracts.foreign_variables import (
    prepare_for_celery,
    reject_for_every_process,
    reject_for_web,
)
from contracts.settings import SettingsError, load_model_settings, load_settings

SERVICE_LINKS = {
    "CELERY_PORT": "tcp://10.0.0.9:80",
    "CELERY_SERVICE_HOST": "10.0.0.9",
    "CELERY_SERVICE_PORT": "80",
    "CELERY_SERVICE_PORT_HTTP": "80",
    "CELERY_BROKER_PORT_6379_TCP_ADDR": "10.0.0.9",
    "FLOWER_PORT": "tcp://10.0.0.9:8001",
    "FLOWER_SERVICE_PORT": "8001",
    "FLOWER_PORT_8001_TCP": "tcp://10.0.0.9:8001",
    "REDIS_PORT": "tcp://10.0.0.9:6379",
    "KAFKA_PORT": "tcp://10.0.0.9:9092",
}


@pytest.mark.parametrize(
    "name",
    [
        "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL", "CELERY_RESULT_BACKEND", "CELERY_CONFIG_MODULE",
        "CELERY_TASK_ALWAYS_EAGER", "CELERY_LOADER", "CELERY_WORKER_PURGE", "CELERY_WORKER_QUEUES",
    ],
)  # fmt: skip
def test_a_variable_of_celery_ends_every_process_with_one_line_without_its_value(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, "redis://:secret@other:6379/0")
    with pytest.raises(SettingsError, match=f"^{name}: [^\n]*CELERY_BROKER_URL[^\n]*$") as raised:
        load_settings(database_url="postgresql://x/y", redis_url="redis://x", kafka_bootstrap_servers="x:1")
    assert "secret" not in str(raised.value)


def test_an_empty_variable_is_like_none() -> None:
    variables = {"CELERY_BROKER_READ_URL": "", "GUNICORN_CMD_ARGS": "", "BROKER_URL": "", "FLASK_DEBUG": "0"}
    for check in (reject_for_every_process, reject_for_web, prepare_for_celery):
        check(variables)


def test_the_setting_and_the_links_of_kubernetes_are_accepted() -> None:
    variables = SERVICE_LINKS | {"CELERY_BROKER_URL": "redis://x", "CELERY_LOG_LEVEL": "20"}
    reject_for_every_process(variables)
    reject_for_web(variables)


def test_the_links_that_flower_would_read_are_removed_and_its_documented_option_stays() -> None:
    variables = {**SERVICE_LINKS, "FLOWER_BASIC_AUTH": "user:password"}
    prepare_for_celery(variables)
    assert {name for name in variables if name.startswith("FLOWER_")} == {"FLOWER_BASIC_AUTH"}


@pytest.mark.parametrize("name", ["BROKER_URL", "RESULT_BACKEND", "LOADER", "CONFIG_MODULE", "FLOWER_UNIX_SOCKET"])
def test_an_option_of_the_command_celery_is_rejected(name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: [^\n]*$"):
        prepare_for_celery({name: "value"})


def test_a_port_of_flower_that_somebody_chose_is_rejected_and_not_removed() -> None:
    with pytest.raises(SettingsError, match="FLOWER_PORT"):
        prepare_for_celery({"FLOWER_PORT": "5555"})


@pytest.mark.parametrize("name", ["GUNICORN_CMD_ARGS", "FLASK_DEBUG", "SCRIPT_NAME"])
def test_an_option_of_the_web_is_rejected(name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: [^\n]*$"):
        reject_for_web({name: "--daemon"})


@pytest.mark.parametrize(
    "name", ["OPENAI_ORG_ID", "OPENAI_CUSTOM_HEADERS", "ANTHROPIC_LOG", "GOOGLE_GENAI_USE_VERTEXAI"]
)
def test_what_the_client_of_a_model_reads_itself_ends_a_process_that_calls_one_and_no_other(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, "secret")
    assert not load_model_settings().calls_a_model
    monkeypatch.setenv("AI_PROVIDER", "ollama")
    monkeypatch.setenv("AI_MODEL", "llama3.2")
    with pytest.raises(SettingsError, match=f"^{name}: [^\n]*$") as raised:
        load_model_settings()
    assert "secret" not in str(raised.value)
