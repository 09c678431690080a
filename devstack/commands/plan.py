"""From what was asked for to the stack: which Kafka, which processes, which addresses; and the stores' directories."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from contracts.settings import Settings
from devstack import console
from devstack.commands import app_processes
from devstack.errors import DevstackError
from devstack.spec.layout import StackDir
from devstack.spec.ports import LOOPBACK, Ports, require_free
from devstack.spec.process_kinds import Scale
from devstack.spec.stack import Process, Stack
from devstack.stores import embedded_kafka, kafka, postgres, redis_server
from devstack.stores.kafka_jars import JarsUnavailable, cache_directory, ensure_jars
from devstack.stores.kafka_lock import kafka_version, read_lock

EMBEDDED = "embedded"
EMBEDDED_NOTICE = (
    "librdkafka's own broker stands in for Kafka: it keeps nothing when it ends (PostgreSQL keeps every thought)."
)


def make_stack(home: StackDir, ports: Ports, scale: Scale, settings: Settings, kafka_choice: str | None) -> Stack:
    """The stack, ready to be started: its ports are free, Kafka is at hand, the stores have their directories."""
    require_free(_wanted(ports, scale, kafka=settings.kafka_enabled))
    jars = _jars(kafka_choice) if settings.kafka_enabled else None
    _initialise(home, ports, jars, settings.kafka_bootstrap_servers.partition(",")[0])
    broker = _broker(home, ports, jars) if settings.kafka_enabled else None
    stores = [postgres.process(home, ports), redis_server.process(home, ports), *([broker] if broker else [])]
    return Stack(
        request={},
        port_base=ports.base,
        web_url=f"http://{LOOPBACK}:{ports.web}" if scale["web"] else None,
        flower_url=f"http://{LOOPBACK}:{ports.flower}" if scale["flower"] else None,
        kafka_bootstrap=kafka.bootstrap(ports) if broker else None,
        kafka=_label(jars) if broker else None,
        redis_url=redis_server.url(home, ports),
        database_url=postgres.url(home, ports),
        processes=[*stores, *app_processes.app_processes(home, ports, scale, settings)],
        detached=False,
    )


def _wanted(ports: Ports, scale: Scale, *, kafka: bool) -> dict[int, str]:
    wanted = {ports.postgres: "postgres.1", ports.redis: "redis.1"}
    if kafka:
        wanted |= {ports.kafka: "kafka.1", ports.kafka_controller: "kafka.1"}
    if scale["web"]:
        wanted[ports.web] = "web.1"
    if scale["flower"]:
        wanted[ports.flower] = "flower.1"
    return dict(sorted(wanted.items()))


def _jars(kafka_choice: str | None) -> list[Path] | None:
    """Kafka's jars, or None for the stand-in. Raises DevstackError when `apache` was demanded and cannot be had."""
    if kafka_choice == EMBEDDED:
        console.print_line(EMBEDDED_NOTICE)
        return None
    try:
        return ensure_jars(read_lock(), cache_directory())
    except JarsUnavailable as missing:
        if kafka_choice:
            raise DevstackError(f"Apache Kafka cannot be had here. {missing}") from missing
        console.print_line(
            f"Apache Kafka cannot be had here ({missing}). {EMBEDDED_NOTICE[0].upper()}{EMBEDDED_NOTICE[1:]}"
        )
        return None


def _initialise(home: StackDir, ports: Ports, jars: list[Path] | None, kafka_told: str) -> None:
    with ThreadPoolExecutor() as pool:
        tasks = [pool.submit(postgres.initialise, home), pool.submit(redis_server.initialise, home)]
        if jars:
            tasks.append(pool.submit(kafka.initialise, home, ports, jars, kafka_told))
        for task in tasks:
            task.result()


def _broker(home: StackDir, ports: Ports, jars: list[Path] | None) -> Process:
    return kafka.process(home, jars) if jars else embedded_kafka.process(ports)


def _label(jars: list[Path] | None) -> str:
    return f"apache {kafka_version(read_lock())}" if jars else EMBEDDED
