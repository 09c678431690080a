"""Defines the system's own processes, with the same commands as docker-compose.yml."""

import sys

from contracts.settings import Settings
from devstack.spec.layout import StackDir
from devstack.spec.ports import LOOPBACK, Ports
from devstack.spec.process_kinds import Kind, Scale
from devstack.spec.stack import Process

SOLO = "solo.1"
"""Worker with one slot for thoughts whose worker died in a call. `--scale` does not count it."""

FLOWER_MAX_TASKS = "--max-tasks=10000"
"""A tenth of Flower's default, which needs more memory than its container has: a task takes about 4 KB."""

WORKER_STOP_MARGIN = 10.0
"""Seconds added to the longest call for the last statements and for Celery's own shutdown."""


def app_processes(stack_dir: StackDir, ports: Ports, scale: Scale, settings: Settings) -> list[Process]:
    """Return the processes of the scale, kind by kind, and the solo worker if the scale has workers."""
    names = [(kind, f"{kind}.{number}") for kind, count in scale.items() for number in range(1, count + 1)]
    if scale["worker"]:
        names.append(("worker", SOLO))
    return [
        _process(stack_dir, kind, name, _arguments(stack_dir, ports, kind, name, settings), settings)
        for kind, name in names
    ]


def migration_command() -> list[str]:
    """Return the command that migrates the database; `up` runs it once before the processes start."""
    return [sys.executable, "-m", "alembic", "upgrade", "head"]


def topics_command() -> list[str]:
    """Return the command that creates the missing topics; existing topics stay unchanged."""
    return [sys.executable, "-m", "bridge", "create-topics"]


def names_command() -> list[str]:
    """Return the command that checks that no other installation uses the names of this one; `up` runs it once."""
    return [sys.executable, "-m", "bridge", "check-names"]


def _process(stack_dir: StackDir, kind: Kind, name: str, arguments: list[str], settings: Settings) -> Process:
    process = Process(
        name=name,
        kind=kind,
        argv=[sys.executable, "-m", *arguments],
        environment={"HEARTBEAT_FILE": str(stack_dir.heartbeat_file(name))},
        liveness_timeout=settings.liveness_timeout_seconds,
    )
    return process.model_copy(update={"stop_timeout": worker_stop_timeout(settings)}) if kind == "worker" else process


def worker_stop_timeout(settings: Settings) -> float:
    """Return the seconds for a call's deadline and the saves after it, so that a paid call is never interrupted."""
    return settings.agent_timeout_seconds + 3 * settings.lease_renew_seconds + WORKER_STOP_MARGIN


def _arguments(stack_dir: StackDir, ports: Ports, kind: Kind, name: str, settings: Settings) -> list[str]:
    if kind == "worker":
        return _worker(name, settings)
    celery = ["celery", "-A", "tasks"]
    commands: dict[Kind, list[str]] = {
        "web": [
            "gunicorn",
            "--config",
            "python:webapp.gunicorn_conf",
            "--bind",
            f"{LOOPBACK}:{ports.web}",
            "webapp:create_app()",
        ],
        "relay": ["bridge", "relay"],
        "bridge": ["bridge", "run"],
        "beat": [*celery, "beat", "--schedule", str(stack_dir.run_directory / "beat.schedule")],
        "flower": [*celery, "flower", f"--address={LOOPBACK}", f"--port={ports.flower}", FLOWER_MAX_TASKS],
    }
    return commands[kind]


def _worker(name: str, settings: Settings) -> list[str]:
    is_solo = name == SOLO
    slots = 1 if is_solo else settings.worker_concurrency
    return [
        "celery", "-A", "tasks", "worker", "--pool", "threads", "--concurrency", str(slots),
        "--queues", "solo" if is_solo else "thoughts",
        "--hostname", f"{name}@%h", "-E", "--without-gossip", "--without-mingle",
    ]  # fmt: skip
