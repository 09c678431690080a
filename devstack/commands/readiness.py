"""Decides whether a process is ready:

- a store answers a client,
- a web listens on the web port itself, and /health answers 200: it can accept thoughts; for Flower, /healthcheck does,
- any other process has touched its heartbeat file since its start (the manager removes the file before each start), and
  within the last 30 s.

The stack as a whole is ready when /health/ready finds that each of its stores and kinds of processes works.
"""

import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil

from devstack.spec.layout import StackDir
from devstack.spec.ports import accepts_connections, is_listening
from devstack.spec.stack import Process, Stack
from devstack.stores import kafka, postgres, redis_server
from devstack.supervisor import pid_records

MAX_HEARTBEAT_AGE = 30.0
"""Seconds after which a heartbeat is too old; processes touch their heartbeat file at least every 5 s."""


def is_ready(stack_dir: StackDir, stack: Stack, process: Process) -> bool:
    """Return whether a process runs and does its work."""
    running = pid_records.running_process(pid_records.read(stack_dir, process.name))
    if running is None:
        return False
    if process.kind in {"postgres", "redis", "kafka"}:
        return _is_store_available(stack, process)
    if process.kind in {"web", "flower"}:
        return _is_web_available(stack, process, running)
    return _has_recent_heartbeat(stack_dir.heartbeat_file(process.name))


def _is_store_available(stack: Stack, process: Process) -> bool:
    if process.kind == "postgres":
        return accepts_connections(stack.port_base + 2) and postgres.is_available(stack.database_url)
    if process.kind == "redis":
        return redis_server.is_available(stack.redis_url)
    return accepts_connections(stack.port_base + 4) and kafka.is_available(stack.kafka_bootstrap or "")


def _is_web_available(stack: Stack, process: Process, running: psutil.Process) -> bool:
    if process.kind == "flower":
        return _answers_200(f"{stack.flower_url}/healthcheck")
    return is_listening(running.pid, stack.port_base) and _answers_200(f"{stack.web_url}/health")


def stack_problems(stack: Stack, metrics_token: str | None) -> list[str]:
    """Return what /health/ready finds missing among the stores and the kinds of processes of this stack.

    Kinds that `--scale` left out, and unavailable model services, are no problems of the stack. `metrics_token` is the
    stack's METRICS_TOKEN, without which the web would not tell the details.
    """
    try:
        with _open_without_proxy(f"{stack.web_url}/health/ready", metrics_token) as response:
            checks: dict[str, dict[str, Any]] = json.load(response)["checks"]
    except (urllib.error.URLError, OSError, ValueError, KeyError) as error:
        return [f"The web does not answer {stack.web_url}/health/ready: {error}"]
    names = {process.name.partition(".")[0] for process in stack.processes} & checks.keys()
    return [
        str(checks[name].get("problem", f"Redis does not tell whether a {name} runs."))
        for name in sorted(names)
        if not checks[name]["ok"] or "unknown" in checks[name]
    ]


def _answers_200(url: str) -> bool:
    try:
        with _open_without_proxy(url) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _open_without_proxy(url: str, bearer_token: str | None = None) -> Any:
    request = urllib.request.Request(url)  # noqa: S310 - the stack's own address
    if bearer_token:
        request.add_unredirected_header("Authorization", f"Bearer {bearer_token}")
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=3)


def _has_recent_heartbeat(path: Path) -> bool:
    try:
        touched = path.stat().st_mtime
    except FileNotFoundError:
        return False
    return time.time() - touched < MAX_HEARTBEAT_AGE
