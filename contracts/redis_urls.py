"""Reads a URL of Redis in one way for its two clients, redis-py and Celery's kombu.

redis-py turns every option of a URL into an argument, which replaces those of the code, such as its time limits. kombu
refuses all options but those of TLS, and without one of these it would connect to a rediss:// address without TLS.
"""

from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from contracts.tls_files import TlsFiles, check_tls_files

SCHEMES: Final = ("redis", "rediss")

_TLS_FILES: Final = {
    "ssl_ca_certs": "authorities",
    "ssl_ca_path": "folder_of_authorities",
    "ssl_certfile": "certificate",
    "ssl_keyfile": "key",
    "ssl_password": "password",
}
_TLS: Final = frozenset(_TLS_FILES) | {"ssl_cert_reqs", "ssl_check_hostname"}
_OTHERS: Final = frozenset({"client_name", "db", "health_check_interval"})

LARGEST_NUMBER: Final = 2**31 - 1
"""The largest number of a database, and of seconds between two health checks."""


def check_options(url: str) -> None:
    """Let redis-py read the options of a URL. Raises ValueError, with a message of one line."""
    from redis import ConnectionPool, RedisError

    parts = urlsplit(url)
    options = parse_qs(parts.query, keep_blank_values=True)
    allowed = _OTHERS | (_TLS if parts.scheme == "rediss" else frozenset())
    if not options.keys() <= allowed:
        tls = "" if parts.scheme == "rediss" else ", and with rediss:// those of TLS"
        raise ValueError(f"may have only the options {', '.join(sorted(allowed))}{tls}; remove the others")
    try:
        connection: Any = ConnectionPool.from_url(url).make_connection()
    except (ValueError, RedisError):
        raise ValueError("has an option with a value that redis-py refuses; correct or remove it") from None
    for number in (connection.db, connection.health_check_interval):
        if not 0 <= number <= LARGEST_NUMBER:
            raise ValueError("the number of its database or of an option is too large, or negative")
    check_tls_files(TlsFiles(**{field: options[name][0] for name, field in _TLS_FILES.items() if name in options}))


def celery_url(url: str) -> str:
    """Return the URLs of a broker, separated by semicolons, as kombu must get them to reach the servers as redis-py
    does."""
    return ";".join(_celery_address(address) for address in url.split(";"))


def _celery_address(url: str) -> str:
    from redis.connection import parse_url

    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        return url
    options: dict[str, Any] = parse_url(url)
    tls = {"ssl_cert_reqs": "required"} if parts.scheme == "rediss" else {}
    tls |= {
        name: str(options[name]).lower() if isinstance(options[name], bool) else options[name]
        for name in _TLS & options.keys()
    }
    return parts._replace(path=f"/{options.get('db', 0)}", query=urlencode(tls), fragment="").geturl()
