"""Every client reaches Kafka with the addresses and the security of the settings."""

import logging
from pathlib import Path

import pytest
from confluent_kafka import Producer

from bridge.commands import bridge
from bridge.kafka.config import check_config, client_config, client_logger
from contracts import cli
from contracts.settings import Settings


def with_settings(settings: Settings, **update: object) -> Settings:
    return Settings(_env_file=None, **(settings.model_dump() | update))


def test_sasl_and_tls_are_those_of_the_settings_and_librdkafka_knows_their_names(settings: Settings) -> None:
    secured = with_settings(
        settings,
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_mechanism="SCRAM-SHA-512",
        kafka_sasl_username="somebody",
        kafka_sasl_password="a secret",
        kafka_ssl_key_password="another",
    )
    config = client_config(secured, "test")
    assert config["security.protocol"] == "SASL_SSL"
    assert config["sasl.mechanism"] == "SCRAM-SHA-512"
    assert (config["sasl.username"], config["sasl.password"]) == ("somebody", "a secret")
    assert config["ssl.key.password"] == "another"
    assert "ssl.ca.location" not in config
    Producer(config)


def test_without_a_bootstrap_server_the_variable_is_named(settings: Settings) -> None:
    nowhere = with_settings(settings, kafka_enabled=False, kafka_mode=False, kafka_bootstrap_servers="")
    with pytest.raises(ValueError, match="KAFKA_BOOTSTRAP_SERVERS"):
        client_config(nowhere, "test")


@pytest.mark.parametrize("command", ["run", "relay", "create-topics"])
def test_a_certificate_that_is_none_ends_each_process_at_start_in_one_line(
    settings: Settings, tmp_path: Path, command: str
) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    secured = with_settings(settings, kafka_security_protocol="SSL", kafka_ssl_ca_location=str(tmp_path / "ca.pem"))
    with pytest.raises(SystemExit, match=r"\ACannot start\. KAFKA_SECURITY_PROTOCOL, .* ssl.ca.location .*\Z"):
        cli.run(bridge, "python -m bridge", [command], secured)


@pytest.mark.parametrize("name", ["kafka_ssl_ca_location", "kafka_ssl_certificate_location", "kafka_ssl_key_location"])
def test_a_file_that_is_not_there_is_named_by_who_needs_it(settings: Settings, name: str) -> None:
    secured = with_settings(settings, kafka_security_protocol="SSL", **{name: "/nowhere/file.pem"})
    with pytest.raises(ValueError, match=f"^{name.upper()}: there is no such file"):
        check_config(secured)


def test_the_systems_own_certificates_can_be_asked_for(settings: Settings) -> None:
    check_config(with_settings(settings, kafka_security_protocol="SSL", kafka_ssl_ca_location="probe"))


def test_librdkafka_says_each_kind_of_trouble_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    log = client_logger()
    for place in range(5):
        log.log(logging.ERROR, "%s [%s] %s", "FAIL", f"client of {__name__}", f"try {place}")
    log.log(logging.ERROR, "%s [%s] %s", "GETPID", f"client of {__name__}", "retrying")
    said = [line.getMessage().split()[0] for line in caplog.records]
    assert said == ["FAIL", "GETPID"]
