"""Faults, drawn by dice and done to a running stack. Each says what it did, and ends when its cause is mended."""

import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

import psutil
import redis

from tests.eventually import eventually
from tests.faults.network import Network
from tests.faults.verdicts import Hit
from tests.running_stack import Stack

STORES = ("postgres", "redis", "kafka")
HELD = ("worker.", "solo.", "bridge.", "relay.")
"""Who is stopped for a while: whoever holds something that another one takes over."""

DRAINED = (*HELD, "web.")
LONG_SECONDS = 60.0


@dataclass
class World:
    """The stack under fire, its network, the dice, and the processes that have an excuse."""

    stack: Stack
    network: Network
    dice: random.Random
    hits: list[Hit] = field(default_factory=list)

    def anybody(self, prefixes: tuple[str, ...] = ("",)) -> str:
        """The name of a process that is there now."""
        names = [name for name in self.stack.names() if name.startswith(prefixes)]
        return self.dice.choice(names)

    def seconds(self, least: float, most: float) -> float:
        """Let so much time pass while something is away; the seconds."""
        seconds = self.dice.uniform(least, most)
        time.sleep(seconds)  # the fault itself: nothing is waited for
        return seconds

    @contextmanager
    def silenced(self, pid: int) -> Iterator[None]:
        """Whatever is done in here keeps the process from writing."""
        since = time.time()
        try:
            yield
        finally:
            self.hits.append(Hit(pid, since, time.time()))


Fault = Callable[[World], str]


def kill(world: World) -> str:
    """SIGKILL for any process, or for one of its children."""
    name = world.anybody()
    return f"kill {name}{_kill(world, name)}"


def kill_all(world: World) -> str:
    """SIGKILL for all processes of a kind at once."""
    kind = world.dice.choice(["worker.", "bridge.", "relay.", "web."])
    for name in world.stack.names():
        if name.startswith(kind):
            _kill(world, name)
    return f"kill all {kind[:-1]}s"


def _kill(world: World, name: str) -> str:
    """Returns what tells a child from its parent."""
    parent = psutil.Process(world.stack.pid(name))
    children = parent.children(recursive=True)
    victim = world.dice.choice([parent, world.dice.choice(children)]) if children else parent
    now = time.time()
    with suppress(psutil.NoSuchProcess):  # a backend that had ended by itself
        victim.kill()
    world.hits.append(Hit(victim.pid, now, now))
    return "" if victim == parent else " (a child)"


def stop(world: World) -> str:
    """SIGSTOP, mostly beyond patience and session, and SIGCONT: a zombie must not write."""
    name = world.anybody(HELD)
    pid = world.stack.pid(name)
    with world.silenced(pid):
        os.kill(pid, signal.SIGSTOP)
        seconds = world.seconds(3, 15)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    return f"stop {name} {seconds:.0f} s"


def flush_redis(world: World) -> str:
    """Redis forgets everything, and stays."""
    client = redis.Redis.from_url(world.stack.status_then["redis_url"])
    with client:
        client.flushall()
    return "flush redis"


def wipe_redis(world: World) -> str:
    """Redis comes back without its data."""
    world.stack.command("stop", "redis")
    kept = list((world.stack.directory / "redis").glob("appendonly*"))
    assert kept, "Redis keeps its data elsewhere"
    for path in kept:  # a file or, from version 7 on, a directory
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    seconds = world.seconds(0, 3)
    world.stack.command("start", "redis")
    return f"redis without its data after {seconds:.0f} s"


def restart_store(world: World) -> str:
    """A store is stopped well, and started again."""
    store = world.dice.choice(STORES)
    world.stack.command("stop", store)
    seconds = world.seconds(0, 6)
    world.stack.command("start", store)
    return f"{store} away {seconds:.0f} s"


def stop_kafka_for_long(world: World) -> str:
    """Kafka is unavailable for a minute."""
    world.stack.command("stop", "kafka")
    seconds = world.seconds(LONG_SECONDS, LONG_SECONDS)
    world.stack.command("start", "kafka")
    return f"kafka away {seconds:.0f} s"


def cut_off_all(world: World) -> str:
    """The network to a store carries nothing, and later everything that waited."""
    store = world.dice.choice(STORES)
    with world.network.stalled(store):
        seconds = world.seconds(2, 12)
    return f"{store} cut off {seconds:.0f} s"


def cut_off_one(world: World) -> str:
    """One process alone does not reach a store. Without PostgreSQL it is silent, whatever it does."""
    store, name = world.dice.choice(STORES), world.anybody((*HELD, "web."))
    process = psutil.Process(world.stack.pid(name))
    pids = [process.pid, *(child.pid for child in process.children())]
    with ExitStack() as cut:
        if store == "postgres":
            cut.enter_context(world.silenced(process.pid))
        cut.enter_context(world.network.stalled(store, pids))
        seconds = world.seconds(5, 15)
    return f"{name} cut off from {store} {seconds:.0f} s"


def refuse(world: World) -> str:
    """The connections to a store are reset, and none can be made for a while."""
    store = world.dice.choice(STORES)
    with world.network.refused(store):
        seconds = world.seconds(0, 5)
    return f"{store} refuses {seconds:.0f} s"


def restart(world: World) -> str:
    """SIGTERM: who drains is no excuse for anything."""
    name = world.anybody(DRAINED)
    world.stack.command("restart", name)
    return f"restart {name}"


FAULTS: dict[Fault, int] = {
    kill: 30,
    kill_all: 6,
    stop: 18,
    flush_redis: 5,
    wipe_redis: 5,
    restart_store: 10,
    stop_kafka_for_long: 3,
    cut_off_all: 8,
    cut_off_one: 10,
    refuse: 5,
    restart: 10,
}
"""How often, in a hundred rounds or so."""


def draw(dice: random.Random) -> Fault:
    """The next fault."""
    (fault,) = dice.choices(list(FAULTS), list(FAULTS.values()))
    return fault


def all_live(world: World) -> None:
    """Wait until every process is there again; whether it works already does not matter."""
    eventually(lambda: len(world.stack.names()) == len(world.stack.status_then["processes"]), timeout=60)
