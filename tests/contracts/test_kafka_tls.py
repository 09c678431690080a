"""The files of TLS with Kafka are checked before a process starts, by the library that will read them."""

import subprocess
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from bridge.kafka.config import check_config, client_config
from contracts.kafka_tls import check_kafka_tls
from contracts.settings import Settings, SettingsError
from tests.contracts.certificates import PASSWORD, Files, write_files
from tests.contracts.test_library_checks import COMMANDS, run_command


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return write_files(tmp_path_factory.mktemp("tls"))


def secured(settings: Settings, **update: object) -> Settings:
    values = settings.model_dump() | {"kafka_security_protocol": "SSL"} | update
    return Settings(_env_file=None, **values)


def test_files_that_python_accepts_are_accepted_by_librdkafka_too(settings: Settings, files: Files) -> None:
    for key, password in ((files.key, None), (files.encrypted_key, PASSWORD)):
        chosen = secured(
            settings,
            kafka_ssl_ca_location=files.certificate,
            kafka_ssl_certificate_location=files.certificate,
            kafka_ssl_key_location=key,
            kafka_ssl_key_password=password,
        )
        check_kafka_tls(chosen)
        AdminClient(client_config(chosen, "test"))


@pytest.mark.parametrize("location", [None, "probe", "/"])
def test_authorities_of_the_system_or_in_a_folder_are_accepted(settings: Settings, location: str | None) -> None:
    check_config(secured(settings, kafka_ssl_ca_location=location))


@pytest.mark.parametrize(
    ("key", "password"),
    [("encrypted_key", None), ("encrypted_key", "wrong"), ("other_key", None), ("text", None), ("certificate", None)],
)
def test_a_key_that_cannot_be_used_is_refused_in_one_line(
    settings: Settings, files: Files, key: str, password: str | None
) -> None:
    chosen = secured(
        settings,
        kafka_ssl_certificate_location=files.certificate,
        kafka_ssl_key_location=getattr(files, key),
        kafka_ssl_key_password=password,
    )
    with pytest.raises(SettingsError, match=r"\AKAFKA_SSL_CERTIFICATE_LOCATION, KAFKA_SSL_KEY_LOCATION or .*\Z"):
        check_kafka_tls(chosen)


@pytest.mark.parametrize("name", ["text", "key"])
def test_a_file_without_a_certificate_is_no_authority(settings: Settings, files: Files, name: str) -> None:
    with pytest.raises(SettingsError, match=r"\AKAFKA_SSL_CA_LOCATION: OpenSSL finds no certificate in it; .*\Z"):
        check_kafka_tls(secured(settings, kafka_ssl_ca_location=getattr(files, name)))


@pytest.mark.parametrize("name", ["relay", "bridge", "web", "up"])
def test_no_command_that_uses_kafka_starts_without_its_certificates(name: str, tmp_path: Path) -> None:
    """`up` starts no server either."""
    done: subprocess.CompletedProcess[str] = run_command(
        COMMANDS[name], tmp_path, KAFKA_SSL_CA_LOCATION="/nonexistent/ca.pem", KAFKA_SECURITY_PROTOCOL="SSL"
    )
    assert done.returncode != 0
    assert "Cannot start. KAFKA_SSL_CA_LOCATION: the file does not exist" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "stack" / "postgres").exists()
