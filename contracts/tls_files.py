"""Lets OpenSSL read the certificates and keys that a URL names, before a client of a server does."""

import ssl
from pathlib import Path
from typing import NamedTuple


class TlsFiles(NamedTuple):
    """The paths of certificates and keys, and a key's password. None where the URL names none."""

    authorities: str | None = None
    folder_of_authorities: str | None = None
    certificate: str | None = None
    key: str | None = None
    password: str | None = None


def check_tls_files(files: TlsFiles) -> None:
    """Raise ValueError, with a message of one line, when OpenSSL cannot use the files.

    An encrypted key without a password is refused: OpenSSL would ask for it on the terminal at every connection.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if files.authorities or files.folder_of_authorities:
            context.load_verify_locations(files.authorities, files.folder_of_authorities)
    except OSError:
        raise ValueError("OpenSSL finds no certificate in its file of certificate authorities (PEM format)") from None
    if files.key and not files.certificate:
        raise ValueError("its options name a private key but no certificate")
    try:
        if files.certificate and not _is_der(files.key):
            context.load_cert_chain(files.certificate, files.key, files.password or "")
    except (OSError, ValueError):
        raise ValueError(
            "OpenSSL refuses its certificate, its private key or the password of this key; the files must be in PEM "
            "format and belong together, and an encrypted key needs its password among the options"
        ) from None


def _is_der(key: str | None) -> bool:
    """Return whether a key is in the binary format, which libpq reads and Python's OpenSSL does not."""
    return key is not None and Path(key).read_bytes()[:1] == b"\x30"
