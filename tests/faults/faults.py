"""Faults of processes, stores and connections: killed, suspended, stopped, emptied and cut off."""

import os
import shutil
import signal
import time
from contextlib import ExitStack, suppress

import psutil
import redis

from tests.eventually import eventually
from tests.faults.context import FaultContext
from tests.faults.verification import Disruption

STORES = ("postgres", "redis", "kafka")
STOPPED = ("worker.", "solo.", "bridge.", "relay.")
"""Processes that are suspended for a while: those whose work another process takes over."""

RESTARTED = (*STOPPED, "web.")
LONG_SECONDS = 60.0


def kill(context: FaultContext) -> str:
    """Send SIGKILL to a process, or to one of its children."""
    name = context.choose_process()
    return f"kill {name}{_kill(context, name)}"


def kill_all(context: FaultContext) -> str:
    """Send SIGKILL to all processes of a kind at once."""
    kind = context.rng.choice(["worker.", "bridge.", "relay.", "web."])
    for name in context.stack.running_names():
        if name.startswith(kind):
            _kill(context, name)
    return f"kill all {kind[:-1]}s"


def _kill(context: FaultContext, name: str) -> str:
    """Return a suffix for the description when a child was killed."""
    parent = psutil.Process(context.stack.wait_for_pid(name))
    children = parent.children(recursive=True)
    victim = context.rng.choice([parent, context.rng.choice(children)]) if children else parent
    now = time.time()
    with suppress(psutil.NoSuchProcess):  # a database backend that has just ended
        victim.kill()
    context.disruptions.append(Disruption(victim.pid, now, now))
    return "" if victim == parent else " (a child)"


def suspend(context: FaultContext) -> str:
    """Suspend a process (SIGSTOP), mostly for longer than its lease and its session, and resume it (SIGCONT).

    A process that was replaced in the meantime must not write.
    """
    name = context.choose_process(STOPPED)
    pid = context.stack.wait_for_pid(name)
    with context.silencing(pid):
        os.kill(pid, signal.SIGSTOP)
        seconds = context.wait(3, 15)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    return f"suspend {name} {seconds:.0f} s"


def flush_redis(context: FaultContext) -> str:
    """Delete all data of the running Redis."""
    client = redis.Redis.from_url(context.stack.initial_status["redis_url"])
    with client:
        client.flushall()
    return "flush redis"


def wipe_redis(context: FaultContext) -> str:
    """Restart Redis without its data."""
    context.stack.run_command("stop", "redis")
    files = list((context.stack.directory / "redis").glob("appendonly*"))
    assert files, "Redis has its data in other files"
    for path in files:  # a file or, from version 7 on, a directory
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    seconds = context.wait(0, 3)
    context.stack.run_command("start", "redis")
    return f"redis without its data after {seconds:.0f} s"


def restart_store(context: FaultContext) -> str:
    """Stop a store gracefully, and start it again."""
    store = context.rng.choice(STORES)
    context.stack.run_command("stop", store)
    seconds = context.wait(0, 6)
    context.stack.run_command("start", store)
    return f"{store} unavailable {seconds:.0f} s"


def stop_kafka_for_long(context: FaultContext) -> str:
    """Make Kafka unavailable for a minute."""
    context.stack.run_command("stop", "kafka")
    seconds = context.wait(LONG_SECONDS, LONG_SECONDS)
    context.stack.run_command("start", "kafka")
    return f"kafka unavailable {seconds:.0f} s"


def cut_off_all(context: FaultContext) -> str:
    """Stall the network between all processes and a store; afterwards it delivers what waited."""
    store = context.rng.choice(STORES)
    with context.network.stalled(store):
        seconds = context.wait(2, 12)
    return f"{store} cut off {seconds:.0f} s"


def cut_off_one(context: FaultContext) -> str:
    """Stall the network between one process and a store. Without PostgreSQL the process is silent."""
    store, name = context.rng.choice(STORES), context.choose_process((*STOPPED, "web."))
    process = psutil.Process(context.stack.wait_for_pid(name))
    pids = [process.pid, *(child.pid for child in process.children())]
    with ExitStack() as stack:
        if store == "postgres":
            stack.enter_context(context.silencing(process.pid))
        stack.enter_context(context.network.stalled(store, pids))
        seconds = context.wait(5, 15)
    return f"{name} cut off from {store} {seconds:.0f} s"


def refuse(context: FaultContext) -> str:
    """Reset the connections to a store, and refuse new ones for a while."""
    store = context.rng.choice(STORES)
    with context.network.refused(store):
        seconds = context.wait(0, 5)
    return f"{store} refuses {seconds:.0f} s"


def restart(context: FaultContext) -> str:
    """Restart a process gracefully (SIGTERM), which excuses no call paid twice."""
    name = context.choose_process(RESTARTED)
    context.stack.run_command("restart", name)
    return f"restart {name}"


def wait_until_running(context: FaultContext) -> None:
    """Wait until every process runs, ready or not."""
    eventually(lambda: len(context.stack.running_names()) == len(context.stack.initial_status["processes"]), timeout=60)
