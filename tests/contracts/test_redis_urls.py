"""redis-py and Celery reach the same Redis with the same URL: with TLS, and with every option that is accepted."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from celery import Celery
from kombu.exceptions import OperationalError

from contracts.progress import connect_redis
from contracts.queues import broker_settings
from contracts.settings import Settings
from tasks.application import create_app
from tests.contracts.certificates import PASSWORD, Files, write_files
from tests.contracts.test_library_checks import COMMANDS, command_line
from tests.stores import ROOT
from tests.tls_server import tls_server_for

ON_A_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
"""Runs a command with a terminal on which nobody types."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return write_files(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tls_address(settings: Settings, files: Files) -> Iterator[str]:
    """The login, host and port of a Redis with TLS."""
    with tls_server_for(settings.redis_url, Path(files.certificate), Path(files.key)) as port:
        login = settings.redis_url.partition("://")[2].rpartition("@")[0]
        yield f"{login}@127.0.0.1:{port}"


def celery_apps(settings: Settings, url: str) -> list[Celery]:
    """Return the apps of the worker and of the bridge."""
    bridge = Celery("bridge")
    bridge.conf.update(broker_settings(url, "test"))
    return [create_app(settings.model_copy(update={"celery_broker_url": url})), bridge]


def ping(app: Celery) -> bool:
    with app.connection(transport_options={**app.conf.broker_transport_options, "socket_timeout": 3}) as connection:
        connection.ensure_connection(max_retries=1, interval_start=0)
        return bool(connection.default_channel.client.ping())


@pytest.mark.parametrize("options", ["?ssl_ca_certs={ca}", "?ssl_cert_reqs=none", "?ssl_cert_reqs=none&db=1"])
def test_workers_and_bridges_reach_a_redis_with_tls(
    settings: Settings, tls_address: str, files: Files, options: str
) -> None:
    url = f"rediss://{tls_address}/0{options.format(ca=files.certificate)}"
    with connect_redis(url) as client:
        assert client.ping()
    for app in celery_apps(settings, url):
        assert ping(app)


def test_nobody_sends_anything_to_a_redis_whose_certificate_is_unknown(settings: Settings, tls_address: str) -> None:
    """kombu's default is to trust every certificate, and with a transport of our own to use no TLS."""
    url = f"rediss://{tls_address}/0"
    with connect_redis(url) as client, pytest.raises(redis.ConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
        client.ping()
    for app in celery_apps(settings, url):
        with pytest.raises(OperationalError, match="CERTIFICATE_VERIFY_FAILED"):
            ping(app)


@pytest.mark.parametrize("options", ["?health_check_interval=30", "?client_name=thoughts", "?db=1", "#end"])
def test_celery_reads_every_url_that_the_settings_accept(settings: Settings, options: str) -> None:
    url = f"{settings.redis_url.rpartition('/')[0]}/{options}"
    accepted = Settings(_env_file=None, **settings.model_dump() | {"redis_url": url})
    database = connect_redis(url).get_connection_kwargs().get("db", 0)
    for app in celery_apps(accepted, accepted.broker_url):
        assert ping(app)
        with app.connection() as connection:
            assert connection.default_channel.client.get_connection_kwargs()["db"] == database


KEYS = {
    "REDIS_URL": "rediss://127.0.0.1:9/0?ssl_certfile={certificate}&ssl_keyfile={encrypted_key}",
    "CELERY_BROKER_URL": "rediss://127.0.0.1:9/0?ssl_certfile={certificate}&ssl_keyfile={encrypted_key}",
    "DATABASE_URL": "postgresql://u@127.0.0.1:9/d?sslcert={certificate}&sslkey={encrypted_key}",
}


@pytest.mark.parametrize("setting", KEYS)
@pytest.mark.parametrize("name", ["relay", "worker", "web"])
def test_no_process_asks_on_the_terminal_for_the_password_of_a_key(
    files: Files, tmp_path: Path, name: str, setting: str
) -> None:
    command, variables = command_line(COMMANDS[name], tmp_path, **{setting: KEYS[setting].format(**files._asdict())})
    _expect_refusal(command, variables, f"{setting}: OpenSSL refuses its certificate, its private key or the password")


@pytest.mark.parametrize("name", ["relay", "bridge", "web"])
def test_nor_for_that_of_the_key_for_kafka(files: Files, tmp_path: Path, name: str) -> None:
    tls = {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CA_LOCATION": files.certificate}
    tls |= {"KAFKA_SSL_CERTIFICATE_LOCATION": files.certificate, "KAFKA_SSL_KEY_LOCATION": files.encrypted_key}
    command, variables = command_line(COMMANDS[name], tmp_path, **tls)
    _expect_refusal(command, variables, "KAFKA_SSL_CERTIFICATE_LOCATION, KAFKA_SSL_KEY_LOCATION or")


def _expect_refusal(command: list[str], variables: dict[str, str], line: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ON_A_TERMINAL, *command], cwd=ROOT, env=variables, capture_output=True, text=True,
        timeout=60, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode != 0
    assert f"Cannot start. {line}" in done.stdout
    assert "pass phrase" not in done.stdout


def test_a_key_with_its_password_is_accepted(settings: Settings, files: Files) -> None:
    redis_options = f"ssl_certfile={files.certificate}&ssl_keyfile={files.encrypted_key}&ssl_password={PASSWORD}"
    database_options = f"sslcert={files.certificate}&sslkey={files.encrypted_key}&sslpassword={PASSWORD}"
    values = {"redis_url": f"rediss://h/0?{redis_options}", "database_url": f"postgresql://u@h/d?{database_options}"}
    Settings(_env_file=None, **settings.model_dump() | values)
