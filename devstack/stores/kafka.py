"""Sets up and runs Apache Kafka as one node that is both broker and controller (KRaft).

The group settings were measured: a killed consumer's partitions stay unread for 45 s with Kafka's defaults and for 5 to
6 s with these. Automatic topic creation is off, so that a wrong topic name is an error instead of an empty topic.
"""

import base64
import os
import shutil
import subprocess
import uuid
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from devstack.errors import DevstackError
from devstack.spec import child_environment
from devstack.spec.layout import StackDir
from devstack.spec.ports import LOOPBACK, Ports
from devstack.spec.stack import Process
from devstack.stores import java
from devstack.stores.plain_paths import plain_path, utf8_locale

HEAP_OPTIONS = ["-Xmx384m", "-Xms128m"]

FAST_STARTUP_OPTION = "-XX:TieredStopAtLevel=1"
"""Limits Java to its quick compiler: Kafka starts with 4 s of processor time instead of 7 s (three starts of each, on
two cores). The slower code matters only at loads far beyond a development stack's."""

GROUP_SETTINGS = {
    "group.initial.rebalance.delay.ms": 0,
    "group.consumer.session.timeout.ms": 6000,
    "group.consumer.min.session.timeout.ms": 6000,
    "group.consumer.heartbeat.interval.ms": 1000,
    "group.consumer.min.heartbeat.interval.ms": 1000,
}

RESTART_SETTINGS = {"broker.session.timeout.ms": 3000, "broker.heartbeat.interval.ms": 1000}
"""A killed broker can register again only after its old session has expired: after SIGKILL it answered after 14 to 16 s
with Kafka's defaults, and after 7 to 9 s with these."""

NODE_SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "offsets.topic.replication.factor": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "auto.create.topics.enable": "false",
}

SERVER_FILE = "server.properties"
LOG4J_FILE = "log4j2.properties"

TEMPORARY = "tmp"
"""Folder in which Java stores the libraries of the codecs snappy and zstd to load them. From the system's temporary
directory they cannot be loaded where it is mounted with `noexec`; other producers' records would then be rejected."""

LOG4J_PROPERTIES = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSS} %-5p %m (%c{1})%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
logger.groups.name = org.apache.kafka.coordinator.group
logger.groups.level = info
"""


def bootstrap(ports: Ports) -> str:
    """Return the broker's own client address."""
    return f"{LOOPBACK}:{ports.kafka}"


def process(stack_dir: StackDir, jars: list[Path]) -> Process:
    """Return the broker as a foreground process with its data in DIR/kafka. Java loads exactly these jars."""
    directory = plain_path(stack_dir, _directory(stack_dir))
    return Process(
        name="kafka.1",
        kind="kafka",
        argv=[
            java.find(),
            FAST_STARTUP_OPTION,
            *HEAP_OPTIONS,
            f"-Djava.io.tmpdir={directory / TEMPORARY}",
            f"-Dlog4j2.configurationFile={directory / LOG4J_FILE}",
            "kafka.Kafka",
            str(directory / SERVER_FILE),
        ],
        environment={"CLASSPATH": _classpath(stack_dir, jars), **utf8_locale()},
    )


def initialise(stack_dir: StackDir, ports: Ports, jars: list[Path], advertised_address: str) -> None:
    """Write the settings, and format the data directory unless it exists.

    The directory is formatted under another name and then renamed, so that it is never incomplete. Clients connect to
    `advertised_address`, which differs from the broker's own address when there is a proxy between them. Raises
    DevstackError when Kafka cannot format the directory.
    """
    stack_dir.ensure_private_directory("kafka")
    directory = plain_path(stack_dir, _directory(stack_dir))
    (directory / LOG4J_FILE).write_text(LOG4J_PROPERTIES)
    shutil.rmtree(directory / TEMPORARY, ignore_errors=True)  # a killed broker leaves its copies
    (directory / TEMPORARY).mkdir(exist_ok=True)
    data = directory / "data"
    if not (data / "meta.properties").exists():
        _format(stack_dir, ports, jars, data.with_name("data.new"))
        shutil.rmtree(data, ignore_errors=True)
        data.with_name("data.new").replace(data)
    _write_properties(directory / SERVER_FILE, ports, data, advertised_address)


def cluster_id() -> str:
    """Return 16 random bytes in URL-safe base64, beginning with a letter, because a leading dash would be an option."""
    first, *rest = uuid.uuid4().bytes
    return base64.urlsafe_b64encode(bytes([first & 0x7F, *rest])).decode().rstrip("=")


def is_available(address: str) -> bool:
    """Return whether the broker answers a client within 2 s."""
    client = AdminClient({"bootstrap.servers": address, "log_level": 0})
    try:
        return bool(client.list_topics(timeout=2).brokers)
    except KafkaException:
        return False


def _directory(stack_dir: StackDir) -> Path:
    return stack_dir.root / "kafka"


def _classpath(stack_dir: StackDir, jars: list[Path]) -> str:
    return ":".join(str(plain_path(stack_dir, jar.parent.parent) / jar.parent.name / jar.name) for jar in jars)


def _write_properties(path: Path, ports: Ports, data: Path, advertised_address: str) -> None:
    controller = f"{LOOPBACK}:{ports.kafka_controller}"
    settings = NODE_SETTINGS | GROUP_SETTINGS | RESTART_SETTINGS | {
        "listeners": f"PLAINTEXT://{bootstrap(ports)},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{advertised_address}",
        "controller.quorum.voters": f"1@{controller}",
        "log.dirs": data,
    }  # fmt: skip
    path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))


def _format(stack_dir: StackDir, ports: Ports, jars: list[Path], data: Path) -> None:
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir()
    settings = data.with_name("format.properties")
    _write_properties(settings, ports, data, bootstrap(ports))
    java_argv = [java.find(), FAST_STARTUP_OPTION, "-Xmx128m", "-cp", _classpath(stack_dir, jars)]
    argv = [*java_argv, "kafka.tools.StorageTool", "format", "-t", cluster_id(), "-c", str(settings)]
    environment = child_environment.select(os.environ) | utf8_locale()
    result = subprocess.run(argv, env=environment, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603 - no untrusted input
    if result.returncode:
        raise DevstackError(
            f"Kafka could not format its data directory {data}:\n{result.stdout}{result.stderr}".rstrip()
        )
    settings.unlink()
