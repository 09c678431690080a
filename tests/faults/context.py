"""What a fault gets: the stack in which it happens, what it may use, and where it records what it did."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from contracts.settings import Settings
from devstack.commands import run_module
from devstack.commands.environment import load_stack_settings
from devstack.spec.layout import StackDir
from devstack.spec.stack import load
from tests.faults.clocks import Clocks
from tests.faults.disk import Disk
from tests.faults.network import Network
from tests.faults.verification import Disruption
from tests.running_stack import Stack


@dataclass
class FaultContext:
    """The stack and its surroundings, the random numbers, and what the faults record."""

    stack: Stack
    network: Network
    rng: random.Random
    disk: Disk | None = None
    """The stack's file system; None where this account may mount none."""
    clocks: Clocks | None = None
    """The clocks of some processes; None without libfaketime."""
    disruptions: list[Disruption] = field(default_factory=list)
    """They excuse calls paid twice."""
    violations: list[str] = field(default_factory=list)
    """What a fault itself has seen and must not happen."""

    def choose_process(self, prefixes: tuple[str, ...] = ("",)) -> str:
        """Return the name of a running process."""
        names = [name for name in self.stack.running_names() if name.startswith(prefixes)]
        return self.rng.choice(names)

    def wait(self, shortest: float, longest: float) -> float:
        """Wait for a random time while the fault lasts; return the seconds."""
        seconds = self.rng.uniform(shortest, longest)
        time.sleep(seconds)  # the duration of the fault: there is no condition to wait for
        return seconds

    @contextmanager
    def silencing(self, pid: int) -> Iterator[None]:
        """Record that the process cannot write to PostgreSQL during the block."""
        since = time.time()
        try:
            yield
        finally:
            self.disruptions.append(Disruption(pid, since, time.time()))


Fault = Callable[[FaultContext], str]
"""Causes a fault, and returns its description once its cause is removed."""


def settings_of(stack: Stack) -> Settings:
    """Return the settings of the stack's processes."""
    stack_dir = StackDir(stack.directory)
    return load_stack_settings(run_module.environment(stack_dir, load(stack_dir)))
