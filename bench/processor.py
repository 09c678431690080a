"""Reads the CPU time of processes and all their children, as the kernel counts it."""

from collections.abc import Mapping, Sequence

import psutil

Processes = Mapping[str, Sequence[int]]
"""Process ids by the printed name."""


def cpu_seconds(processes: Processes) -> dict[str, float]:
    """Return the CPU seconds since the start of the processes, by name."""
    return {name: sum(_seconds(pid) for pid in pids) for name, pids in processes.items()}


def cpu_spent(before: Mapping[str, float], after: Mapping[str, float], factor: float) -> dict[str, float]:
    """Return the CPU seconds between two readings, times `factor`."""
    return {name: (seconds - before.get(name, 0.0)) * factor for name, seconds in after.items()}


def _seconds(pid: int) -> float:
    """Return the seconds of a process tree. A parent includes its ended children; a process that is gone counts 0."""
    try:
        processes = [(parent := psutil.Process(pid)), *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    return sum(_own_seconds(process) for process in processes)


def _own_seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)
