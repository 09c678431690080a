"""Apache Kafka: one node that is broker and controller (KRaft).

The settings were measured: with the default group times a killed consumer's partitions stay unread for 45 s, with
these 5 to 6 s. Topics never appear by themselves, so that a wrong name is an error and not an empty topic.
"""

import base64
import shutil
import subprocess
import uuid
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from devstack.errors import DevstackError
from devstack.spec.layout import StackDir
from devstack.spec.ports import LOOPBACK, Ports
from devstack.spec.stack import Process
from devstack.stores import java

HEAP = ["-Xmx384m", "-Xms128m"]

QUICK_COMPILER = "-XX:TieredStopAtLevel=1"
"""Only the quick compiler: Kafka's start takes 4 s of processor time with it and 7 s without (three starts of each, on
two cores). What it costs shows at loads far beyond a development stack's."""

GROUP_SETTINGS = {
    "group.initial.rebalance.delay.ms": 0,
    "group.consumer.session.timeout.ms": 6000,
    "group.consumer.min.session.timeout.ms": 6000,
    "group.consumer.heartbeat.interval.ms": 1000,
    "group.consumer.min.heartbeat.interval.ms": 1000,
}

RESTART_SETTINGS = {"broker.session.timeout.ms": 3000, "broker.heartbeat.interval.ms": 1000}
"""A broker that was killed may register again only when its old session has ended: after SIGKILL it answered after 14
to 16 s with Kafka's defaults, after 7 to 9 s with these."""

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

LOGGING = """\
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
    """The address for clients."""
    return f"{LOOPBACK}:{ports.kafka}"


def process(home: StackDir, jars: list[Path]) -> Process:
    """The broker in the foreground, its data in DIR/kafka. Exactly these jars are loaded."""
    logging = f"-Dlog4j2.configurationFile={_directory(home) / 'log4j2.properties'}"
    return Process(
        name="kafka.1",
        kind="kafka",
        argv=[java.find(), QUICK_COMPILER, *HEAP, logging, "kafka.Kafka", str(_properties(home))],
        environment={"CLASSPATH": _classpath(jars)},
    )


def initialise(home: StackDir, ports: Ports, jars: list[Path], advertised_address: str) -> None:
    """Write the settings, and format the data directory unless it is: aside and then moved, so that it is whole.

    `told` is the address that clients are sent on to: another one than the broker's own where something stands between.
    """
    home.private("kafka")
    (_directory(home) / "log4j2.properties").write_text(LOGGING)
    data = _directory(home) / "data"
    if not (data / "meta.properties").exists():
        _format(home, ports, jars, data.with_name("data.new"))
        shutil.rmtree(data, ignore_errors=True)
        data.with_name("data.new").replace(data)
    _write_properties(_properties(home), ports, data, advertised_address)


def cluster_id() -> str:
    """16 random bytes in URL-safe base64. It begins with a letter: one with a dash would be read as an option."""
    first, *others = uuid.uuid4().bytes
    return base64.urlsafe_b64encode(bytes([first & 0x7F, *others])).decode().rstrip("=")


def answers(address: str) -> bool:
    """Whether the broker answers a client."""
    client = AdminClient({"bootstrap.servers": address, "log_level": 0})
    try:
        return bool(client.list_topics(timeout=2).brokers)
    except KafkaException:
        return False


def _directory(home: StackDir) -> Path:
    return home.root / "kafka"


def _properties(home: StackDir) -> Path:
    return _directory(home) / "server.properties"


def _classpath(jars: list[Path]) -> str:
    return ":".join(str(jar) for jar in jars)


def _write_properties(path: Path, ports: Ports, data: Path, advertised_address: str) -> None:
    controller = f"{LOOPBACK}:{ports.kafka_controller}"
    settings = NODE_SETTINGS | GROUP_SETTINGS | RESTART_SETTINGS | {
        "listeners": f"PLAINTEXT://{bootstrap(ports)},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{advertised_address}",
        "controller.quorum.voters": f"1@{controller}",
        "log.dirs": data,
    }  # fmt: skip
    path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))


def _format(home: StackDir, ports: Ports, jars: list[Path], data: Path) -> None:
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir()
    settings = _directory(home) / "format.properties"
    _write_properties(settings, ports, data, bootstrap(ports))
    argv = [java.find(), QUICK_COMPILER, "-Xmx128m", "-cp", _classpath(jars), "kafka.tools.StorageTool", "format"]
    told = subprocess.run([*argv, "-t", cluster_id(), "-c", str(settings)], capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if told.returncode:
        raise DevstackError(f"Kafka could not make its directory {data}:\n{told.stdout}{told.stderr}".rstrip())
    settings.unlink()
