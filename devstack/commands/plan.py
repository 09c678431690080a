"""Plans a stack from the options of `up`: chooses Kafka, the processes and the addresses, and prepares the stores."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from contracts.settings import Settings
from devstack import console
from devstack.commands import app_processes
from devstack.errors import DevstackError
from devstack.spec import limits
from devstack.spec.layout import StackDir
from devstack.spec.ports import LOOPBACK, Ports, require_free
from devstack.spec.process_kinds import Scale
from devstack.spec.stack import Process, Stack
from devstack.stores import embedded_kafka, kafka, postgres, postgres_account, redis_server
from devstack.stores.kafka_jars import JarsUnavailable, cache_directory, ensure_jars
from devstack.stores.kafka_lock import read_lock
from devstack.stores.servers import find_servers, kafka_version, require_group_protocol

EMBEDDED = "embedded"
EMBEDDED_NOTICE = (
    "Using librdkafka's embedded broker, which loses its records when it stops; PostgreSQL keeps every thought."
)


def make_stack(stack_dir: StackDir, ports: Ports, scale: Scale, settings: Settings, kafka_choice: str | None) -> Stack:
    """Return the stack, ready to start: check its ports, provide Kafka, and create the stores' directories.

    Raises DevstackError when a port is in use, when the required Apache Kafka is not available, or when a store cannot
    be set up.
    """
    limits.raise_open_files()
    postgres_account.require_usable(postgres.data_directory(stack_dir), postgres.programs(stack_dir))
    require_free(_needed_ports(ports, scale, kafka=settings.kafka_enabled))
    jars = _find_jars(stack_dir, kafka_choice) if settings.kafka_enabled else None
    if jars:
        require_group_protocol(kafka_version(jars), settings.kafka_group_protocol)
    _initialise(stack_dir, ports, jars, settings.kafka_bootstrap_servers.partition(",")[0])
    broker = _broker(stack_dir, ports, jars) if settings.kafka_enabled else None
    stores = [postgres.process(stack_dir, ports), redis_server.process(stack_dir, ports), *([broker] if broker else [])]
    return Stack(
        request={},
        port_base=ports.base,
        web_url=f"http://{LOOPBACK}:{ports.web}" if scale["web"] else None,
        flower_url=f"http://{LOOPBACK}:{ports.flower}" if scale["flower"] else None,
        kafka_bootstrap=kafka.bootstrap(ports) if broker else None,
        kafka=_label(jars) if broker else None,
        redis_url=redis_server.url(stack_dir, ports),
        database_url=postgres.url(stack_dir, ports),
        processes=[*stores, *app_processes.app_processes(stack_dir, ports, scale, settings)],
        detached=False,
    )


def _needed_ports(ports: Ports, scale: Scale, *, kafka: bool) -> dict[int, str]:
    needed = {ports.postgres: "postgres.1", ports.redis: "redis.1"}
    if kafka:
        needed |= {ports.kafka: "kafka.1", ports.kafka_controller: "kafka.1"}
    if scale["web"]:
        needed[ports.web] = "web.1"
    if scale["flower"]:
        needed[ports.flower] = "flower.1"
    return dict(sorted(needed.items()))


def _find_jars(stack_dir: StackDir, kafka_choice: str | None) -> list[Path] | None:
    """Return Kafka's jars, or None for the embedded broker.

    Raises DevstackError when `--kafka apache` was given and the jars are not available.
    """
    if kafka_choice == EMBEDDED:
        console.print_line(EMBEDDED_NOTICE)
        return None
    if own_jars := find_servers(stack_dir).kafka_jars:
        return [*own_jars]
    try:
        return ensure_jars(read_lock(), cache_directory(stack_dir.root / "cache"))
    except JarsUnavailable as error:
        if kafka_choice:
            raise DevstackError(f"Apache Kafka is not available. {error}") from error
        console.print_line(f"Apache Kafka is not available ({error}). {EMBEDDED_NOTICE}")
        return None


def _initialise(stack_dir: StackDir, ports: Ports, jars: list[Path] | None, advertised_address: str) -> None:
    with ThreadPoolExecutor() as pool:
        tasks = [pool.submit(postgres.initialise, stack_dir), pool.submit(redis_server.initialise, stack_dir)]
        if jars:
            tasks.append(pool.submit(kafka.initialise, stack_dir, ports, jars, advertised_address))
        for task in tasks:
            task.result()


def _broker(stack_dir: StackDir, ports: Ports, jars: list[Path] | None) -> Process:
    return kafka.process(stack_dir, jars) if jars else embedded_kafka.process(ports)


def _label(jars: list[Path] | None) -> str:
    return f"apache {kafka_version(jars)}" if jars else EMBEDDED
