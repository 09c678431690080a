"""Tests of the client configuration: addresses and security come from the settings."""

import logging
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer

from bridge.commands import bridge
from bridge.consumer.consumer_config import consumer_config
from bridge.kafka.config import check_config, client_config, client_logger
from bridge.relay.producer import _producer_config
from contracts import cli
from contracts.settings import Settings, SettingsError


def with_settings(settings: Settings, **update: object) -> Settings:
    return Settings(_env_file=None, **(settings.model_dump() | update))


def test_sasl_and_tls_settings_reach_librdkafka(settings: Settings) -> None:
    secured = with_settings(
        settings,
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_mechanism="SCRAM-SHA-512",
        kafka_sasl_username="a-user",
        kafka_sasl_password="a secret",
        kafka_ssl_key_password="another",
    )
    config = client_config(secured, "test")
    assert config["security.protocol"] == "SASL_SSL"
    assert config["sasl.mechanism"] == "SCRAM-SHA-512"
    assert (config["sasl.username"], config["sasl.password"]) == ("a-user", "a secret")
    assert config["ssl.key.password"] == "another"
    assert "ssl.ca.location" not in config
    Producer(config)


EXTREMES = {
    "smallest": {"kafka_linger_ms": 0, "kafka_batch_size": 1},
    "largest": {"kafka_linger_ms": 5_000, "kafka_batch_size": 2**31 - 1},
    "longest group": {"kafka_consumer_group": "g" * 255},
    "classic group": {"kafka_group_protocol": "classic", "kafka_consumer_group": "a group / of ours"},
    "longest topic": {"kafka_topic": "t" * 249},
}


@pytest.mark.parametrize("values", EXTREMES.values(), ids=EXTREMES.keys())
def test_librdkafka_accepts_all_that_the_settings_accept(settings: Settings, values: dict[str, object]) -> None:
    """A value that only librdkafka refuses would let the relay fail at every pass."""
    changed = with_settings(settings, **values, kafka_bootstrap_servers="127.0.0.1:9")
    Producer(_producer_config(changed))
    Consumer(consumer_config(changed, "an-installation", lambda *_: None)).close()


def test_a_missing_bootstrap_server_is_an_error_that_names_the_variable(settings: Settings) -> None:
    without_kafka = with_settings(settings, kafka_enabled=False, kafka_mode=False, kafka_bootstrap_servers="")
    with pytest.raises(ValueError, match="KAFKA_BOOTSTRAP_SERVERS"):
        client_config(without_kafka, "test")


@pytest.mark.parametrize("command", ["run", "relay", "create-topics"])
def test_an_invalid_certificate_stops_each_process_at_start_with_one_line(
    settings: Settings, tmp_path: Path, command: str
) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate")
    secured = with_settings(settings, kafka_security_protocol="SSL", kafka_ssl_ca_location=str(tmp_path / "ca.pem"))
    with pytest.raises(SystemExit, match=r"\ACannot start\. KAFKA_SSL_CA_LOCATION: .* PEM format.*\Z"):
        cli.run(bridge, "python -m bridge", [command], secured)


@pytest.mark.parametrize("name", ["kafka_ssl_ca_location", "kafka_ssl_certificate_location", "kafka_ssl_key_location"])
def test_a_missing_file_is_an_error_that_names_the_setting(settings: Settings, name: str) -> None:
    secured = with_settings(settings, kafka_security_protocol="SSL", **{name: "/nowhere/file.pem"})
    with pytest.raises(SettingsError, match=f"^{name.upper()}: the file does not exist"):
        check_config(secured)


def test_the_ca_location_probe_selects_the_system_certificates(settings: Settings) -> None:
    check_config(with_settings(settings, kafka_security_protocol="SSL", kafka_ssl_ca_location="probe"))


def test_the_client_logger_throttles_each_kind_of_line(caplog: pytest.LogCaptureFixture) -> None:
    logger = client_logger()
    for attempt in range(5):
        logger.log(logging.ERROR, "%s [%s] %s", "FAIL", f"client of {__name__}", f"attempt {attempt}")
    logger.log(logging.ERROR, "%s [%s] %s", "GETPID", f"client of {__name__}", "retrying")
    kinds = [line.getMessage().split()[0] for line in caplog.records]
    assert kinds == ["FAIL", "GETPID"]
