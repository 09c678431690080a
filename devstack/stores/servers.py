"""Finds servers of other versions in DIR/servers of a stack; what is not there comes from the packages.

DIR/servers/postgres/bin                    the programs of PostgreSQL, with the extension pgvector
DIR/servers/redis-server or valkey-server   the program of Redis or Valkey
DIR/servers/kafka/libs                      the jars of Apache Kafka, as its archive has them

Each of them may be a link, and DIR/servers too. A stack's data belongs to the versions that wrote it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devstack.errors import DevstackError
from devstack.spec.layout import StackDir

_BROKER_JAR = re.compile(r"kafka_2\.\d+-(\d+\.\d+\.\d+)\.jar")

FIRST_KAFKA_WITH_CONSUMER_PROTOCOL = 4
"""Major version. Kafka 3.9 knows the protocol, but does not serve it unless its coordinator is configured to."""


@dataclass(frozen=True)
class Servers:
    """Where a stack has servers of its own; None or no jars: they come from the packages."""

    postgres: Path | None = None
    """Directory of the programs of PostgreSQL."""
    redis: Path | None = None
    """Program of Redis or Valkey."""
    kafka_jars: Sequence[Path] = ()


def find_servers(stack_dir: StackDir) -> Servers:
    """Return the servers in DIR/servers. Raises DevstackError when the directory exists and has none of them."""
    root = stack_dir.servers_directory
    if not root.exists():
        return Servers()
    programs = root / "postgres" / "bin"
    servers = Servers(
        postgres=programs.resolve() if (programs / "postgres").exists() else None,
        redis=next((path for name in ("redis-server", "valkey-server") if (path := root / name).exists()), None),
        kafka_jars=tuple(sorted(root.glob("kafka/libs/*.jar"))),
    )
    if servers == Servers():
        raise DevstackError(
            f"Cannot start. {root} has no postgres/bin/postgres, redis-server, valkey-server or kafka/libs/*.jar. "
            "Delete it to use the servers of the packages."
        )
    return servers


def kafka_version(jars: Sequence[Path]) -> str:
    """Return the version of the broker among these jars. Raises DevstackError when there is none."""
    for jar in jars:
        if match := _BROKER_JAR.fullmatch(jar.name):
            return match.group(1)
    raise DevstackError(f"Cannot start. {jars[0].parent} has no jar of the broker, kafka_2.13-VERSION.jar.")


def require_group_protocol(version: str, group_protocol: str) -> None:
    """Raise DevstackError, with the cure, when this version of Kafka does not serve the group protocol."""
    if group_protocol == "consumer" and int(version.partition(".")[0]) < FIRST_KAFKA_WITH_CONSUMER_PROTOCOL:
        raise DevstackError(
            f"Cannot start. Apache Kafka {version} does not serve KAFKA_GROUP_PROTOCOL=consumer. "
            "Start with: --set KAFKA_GROUP_PROTOCOL=classic"
        )
