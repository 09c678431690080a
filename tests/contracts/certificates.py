"""A certificate for 127.0.0.1, its key, and the same key encrypted with a password."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PASSWORD = "do-not-show-me"


class Files(NamedTuple):
    """A certificate, its key, the same key encrypted with PASSWORD, and a file without either."""

    certificate: str
    key: str
    encrypted_key: str
    other_key: str
    text: str


def write_files(folder: Path) -> Files:
    """Write the files into a folder and return their paths."""
    key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    contents = {
        "certificate": _certificate(key),
        "key": _pem(key),
        "encrypted_key": _pem(key, PASSWORD),
        "other_key": _pem(other),
        "text": b"no certificate",
    }
    for name, content in contents.items():
        (folder / f"{name}.pem").write_bytes(content)
        (folder / f"{name}.pem").chmod(0o600)
    return Files(**{name: str(folder / f"{name}.pem") for name in contents})


def _certificate(key: ec.EllipticCurvePrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kafka")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    signed = builder.add_extension(address, critical=False).sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def _pem(key: ec.EllipticCurvePrivateKey, password: str = "") -> bytes:
    encryption = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
