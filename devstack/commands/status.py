"""What `status` shows: the shape that scripts rely on, and the same as a table."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from devstack.commands.readiness import is_ready
from devstack.spec.layout import StackDir
from devstack.spec.stack import Process, Stack
from devstack.supervisor import pid_records

ADDRESSES = ("web_url", "flower_url", "kafka_bootstrap", "kafka", "redis_url", "database_url")


def describe(home: StackDir, stack: Stack) -> dict[str, Any]:
    """The addresses and every process: name, kind, pid (None while it is down), ready, restarts, and
    the exit status of the last one that ended (None before any has)."""
    with ThreadPoolExecutor(8) as pool:
        processes = list(pool.map(lambda process: _describe(home, stack, process), stack.processes))
    return {name: getattr(stack, name) for name in ADDRESSES} | {"processes": processes}


def _describe(home: StackDir, stack: Stack, process: Process) -> dict[str, Any]:
    record = pid_records.read(home, process.name)
    living = pid_records.running_process(record)
    return {
        "name": process.name,
        "kind": process.kind,
        "pid": living.pid if living else None,
        "ready": is_ready(home, stack, process),
        "restarts": record.restarts if record else 0,
        "last_exit": record.last_exit if record else None,
    }


def as_json(described: dict[str, Any]) -> str:
    """One line of JSON."""
    return json.dumps(described)


def as_table(described: dict[str, Any]) -> str:
    """Aligned columns for a person, without the database's password."""
    rows = [("process", "pid", "ready", "restarts"), *(_row(each) for each in described["processes"])]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    page, flower = described["web_url"], described["flower_url"]
    return "\n".join([*lines, "", f"page    {page or '-'}", f"Flower  {flower or '-'}", f"Kafka   {_kafka(described)}"])


def _row(each: dict[str, Any]) -> tuple[str, str, str, str]:
    pid = str(each["pid"]) if each["pid"] else "down"
    return each["name"], pid, "yes" if each["ready"] else "no", str(each["restarts"])


def _kafka(described: dict[str, Any]) -> str:
    return f"{described['kafka']} at {described['kafka_bootstrap']}" if described["kafka"] else "-"
