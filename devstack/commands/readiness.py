"""When a process counts as ready.

- stores: they answer a client;
- web: the page's /health answers 200, and this very process listens on the page's port; Flower: /healthcheck;
- the others: their heartbeat file was touched since they were started (the manager removes it before each start), and
  within the last 30 s.
"""

import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

from devstack.spec.layout import StackDir
from devstack.spec.ports import accepts, listens
from devstack.spec.stack import Process, Stack
from devstack.stores import kafka, postgres, redis_server
from devstack.supervisor import pid_records

MAX_HEARTBEAT_AGE = 30.0
"""Seconds after which a heartbeat counts as silence; they are touched every 5 s at least."""


def is_ready(home: StackDir, stack: Stack, process: Process) -> bool:
    """Whether a process runs and does its work."""
    living = pid_records.running_process(pid_records.read(home, process.name))
    if living is None:
        return False
    if process.kind in {"postgres", "redis", "kafka"}:
        return _store_answers(stack, process)
    if process.kind in {"web", "flower"}:
        return _page_answers(stack, process, living)
    return _has_recent_heartbeat(home.heartbeat(process.name))


def _store_answers(stack: Stack, process: Process) -> bool:
    if process.kind == "postgres":
        return accepts(stack.port_base + 2) and postgres.answers(stack.database_url)
    if process.kind == "redis":
        return redis_server.answers(stack.redis_url)
    return accepts(stack.port_base + 4) and kafka.answers(stack.kafka_bootstrap or "")


def _page_answers(stack: Stack, process: Process, living: psutil.Process) -> bool:
    if process.kind == "flower":
        return _answers(f"{stack.flower_url}/healthcheck")
    return listens(living.pid, stack.port_base) and _answers(f"{stack.web_url}/health")


def _answers(address: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(address, timeout=3) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _has_recent_heartbeat(path: Path) -> bool:
    try:
        touched = path.stat().st_mtime
    except FileNotFoundError:
        return False
    return time.time() - touched < MAX_HEARTBEAT_AGE
