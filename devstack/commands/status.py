"""Implements `status`: describes a stack as JSON, whose keys scripts rely on, and as a table."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from devstack.commands.readiness import is_ready
from devstack.spec.layout import StackDir
from devstack.spec.stack import Process, Stack
from devstack.supervisor import pid_records

ADDRESSES = ("web_url", "flower_url", "kafka_bootstrap", "kafka", "redis_url", "database_url")


def describe(stack_dir: StackDir, stack: Stack) -> dict[str, Any]:
    """Return the addresses and, for each process, its name, kind, pid (None while it is stopped), whether it is ready,
    its restarts, and the exit status of its last exit (None before the first)."""
    with ThreadPoolExecutor(8) as pool:
        processes = list(pool.map(lambda process: _describe(stack_dir, stack, process), stack.processes))
    return {name: getattr(stack, name) for name in ADDRESSES} | {"processes": processes}


def _describe(stack_dir: StackDir, stack: Stack, process: Process) -> dict[str, Any]:
    record = pid_records.read(stack_dir, process.name)
    running = pid_records.running_process(record)
    return {
        "name": process.name,
        "kind": process.kind,
        "pid": running.pid if running else None,
        "ready": is_ready(stack_dir, stack, process),
        "restarts": record.restarts if record else 0,
        "last_exit": record.last_exit if record else None,
    }


def as_json(description: dict[str, Any]) -> str:
    """Format a description as one line of JSON."""
    return json.dumps(description)


def as_table(description: dict[str, Any]) -> str:
    """Format a description as aligned columns for a person, without the stores' passwords."""
    rows = [("process", "pid", "ready", "restarts"), *(_row(process) for process in description["processes"])]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    web, flower = description["web_url"], description["flower_url"]
    return "\n".join(
        [*lines, "", f"Web     {web or '-'}", f"Flower  {flower or '-'}", f"Kafka   {_kafka(description)}"]
    )


def _row(process: dict[str, Any]) -> tuple[str, str, str, str]:
    pid = str(process["pid"]) if process["pid"] else "down"
    return process["name"], pid, "yes" if process["ready"] else "no", str(process["restarts"])


def _kafka(description: dict[str, Any]) -> str:
    return f"{description['kafka']} at {description['kafka_bootstrap']}" if description["kafka"] else "-"
