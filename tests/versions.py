"""The versions that a run of the tests used, for its last lines."""

import platform

import psycopg2
import redis

from tests.stores import Stores


def describe_versions(stores: Stores) -> str:
    """Return the versions of Python and of the three servers."""
    servers = [_postgres(stores.database_url), _redis(stores.redis_url), f"Kafka {stores.kafka}"]
    return ", ".join([f"Python {platform.python_version()}", *servers])


def _postgres(url: str) -> str:
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            return f"PostgreSQL {cursor.fetchone()[0].split()[0]}"
    finally:
        connection.close()


def _redis(url: str) -> str:
    """Return the name and version; Valkey reports its own beside that of the Redis with which it is compatible."""
    with redis.Redis.from_url(url) as client:
        information = client.info("server")
    if valkey := information.get("valkey_version"):
        return f"Valkey {valkey}"
    return f"Redis {information['redis_version']}"
