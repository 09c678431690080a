"""The versions that a run of the tests used, for its last lines."""

import json
import platform

import psycopg2
import redis


def describe_versions(status: str) -> str:
    """Return Python's version and those of the servers that the output of `devstack status --json` describes."""
    description = json.loads(status)
    servers = [_postgres(description["database_url"]), _redis(description["redis_url"])]
    return ", ".join([f"Python {platform.python_version()}", *servers, f"Kafka {description['kafka']}"])


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
