"""The system's own processes: their commands, as docker-compose.yml has them too."""

import sys

from contracts.settings import Settings
from devstack.spec.layout import StackDir
from devstack.spec.ports import LOOPBACK, Ports
from devstack.spec.process_kinds import Kind, Scale
from devstack.spec.stack import Process

SOLO = "solo.1"
"""The worker with one process and one slot for a thought whose worker died in a call. `--scale` does not count it."""


FLOWER_MAX_TASKS = "--max-tasks=10000"
"""Ten times as many, its own default, are more memory than it is given: some 4 KB each."""

WORKER_STOP_MARGIN = 10.0
"""Seconds beside the longest call: for the last statements, and for Celery's own end."""


def app_processes(home: StackDir, ports: Ports, scale: Scale, settings: Settings) -> list[Process]:
    """All processes of the scale, in the order in which people think of the data's way."""
    wanted = [(kind, f"{kind}.{number}") for kind, count in scale.items() for number in range(1, count + 1)]
    if scale["worker"]:
        wanted.append(("worker", SOLO))
    return [
        _process(home, kind, name, _arguments(home, ports, kind, name, settings), settings) for kind, name in wanted
    ]


def migration_command() -> list[str]:
    """The job that brings the database's tables up to date; run once, before the processes."""
    return [sys.executable, "-m", "alembic", "upgrade", "head"]


def topics_command() -> list[str]:
    """The job that makes the topics; those that are there stay as they are."""
    return [sys.executable, "-m", "bridge", "create-topics"]


def _process(home: StackDir, kind: Kind, name: str, words: list[str], settings: Settings) -> Process:
    environment = {"HEARTBEAT_FILE": str(home.heartbeat(name))}
    argv, silence = [sys.executable, "-m", *words], settings.liveness_timeout_seconds
    made = Process(name=name, kind=kind, argv=argv, environment=environment, liveness_timeout=silence)
    return made.model_copy(update={"stop_timeout": worker_stop_timeout(settings)}) if kind == "worker" else made


def worker_stop_timeout(settings: Settings) -> float:
    """A worker ends when its calls have, so a paid one is never cut off: the deadline, and the saves after it."""
    return settings.agent_timeout_seconds + 3 * settings.lease_renew_seconds + WORKER_STOP_MARGIN


def _arguments(home: StackDir, ports: Ports, kind: Kind, name: str, settings: Settings) -> list[str]:
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
        "beat": [*celery, "beat", "--schedule", str(home.run / "beat.schedule")],
        "flower": [*celery, "flower", f"--address={LOOPBACK}", f"--port={ports.flower}", FLOWER_MAX_TASKS],
    }
    return commands[kind]


def _worker(name: str, settings: Settings) -> list[str]:
    alone = name == SOLO
    slots = 1 if alone else settings.worker_concurrency
    return [
        "celery", "-A", "tasks", "worker", "--pool", "threads", "--concurrency", str(slots),
        "--queues", "solo" if alone else "thoughts",
        "--hostname", f"{name}@%h", "-E", "--without-gossip", "--without-mingle",
    ]  # fmt: skip
