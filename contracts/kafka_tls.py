"""Reads the certificates for Kafka with Python's own TLS, for the processes that do not load Kafka's client.

The web and the devstack check them at their start with this module; the bridges also let librdkafka check them.
"""

import os
import ssl
from pathlib import Path
from typing import Final

from contracts.settings import Settings, SettingsError

SYSTEM_CA_PROBE: Final = "probe"
"""Given instead of a file name, this value makes librdkafka search for the system's own CA certificates."""

_FILES: Final = ("kafka_ssl_certificate_location", "kafka_ssl_key_location", "kafka_ssl_ca_location")


def check_kafka_tls(settings: Settings) -> None:
    """Check the files that the settings name, and their contents where the connections to Kafka use TLS.

    Raises SettingsError with a message of one line.
    """
    for name in _FILES:
        path = getattr(settings, name)
        if path not in {None, SYSTEM_CA_PROBE} and not os.access(path, os.R_OK):
            raise SettingsError(f"{name.upper()}: the file does not exist, or this process may not read it")
    if settings.kafka_security_protocol.endswith("SSL"):
        kafka_tls_context(settings)


def kafka_tls_context(settings: Settings) -> ssl.SSLContext:
    """Return the context of a TLS connection to Kafka. Raises SettingsError when OpenSSL refuses a file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        _load_authorities(context, settings.kafka_ssl_ca_location)
    except OSError:
        raise SettingsError(
            "KAFKA_SSL_CA_LOCATION: OpenSSL finds no certificate in it; it must be a file in PEM format, or a folder"
        ) from None
    if settings.kafka_ssl_certificate_location:
        _load_certificate(context, settings)
    return context


def _load_authorities(context: ssl.SSLContext, location: str | None) -> None:
    if location is None or location == SYSTEM_CA_PROBE:
        context.load_default_certs()
    elif Path(location).is_dir():
        context.load_verify_locations(capath=location)
    else:
        context.load_verify_locations(cafile=location)


def _load_certificate(context: ssl.SSLContext, settings: Settings) -> None:
    password = settings.kafka_ssl_key_password
    try:
        context.load_cert_chain(
            settings.kafka_ssl_certificate_location or "",
            settings.kafka_ssl_key_location,
            password.get_secret_value() if password else "",  # without one, OpenSSL would ask for it on the terminal
        )
    except (OSError, ValueError):
        raise SettingsError(
            "KAFKA_SSL_CERTIFICATE_LOCATION, KAFKA_SSL_KEY_LOCATION or KAFKA_SSL_KEY_PASSWORD: OpenSSL refuses them; "
            "the files must be in PEM format and belong together, and an encrypted key needs its password"
        ) from None
