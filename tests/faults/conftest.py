"""One stack for the tests that break its processes and stores, with a lease short enough to wait for."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.eventually import eventually
from tests.faults.clocks import Clocks, make_clocks
from tests.faults.disk import Disk, own_disk
from tests.faults.rounds import SHORT_LEASE_SETTINGS
from tests.ports import free_port_base
from tests.running_stack import Stack, running_stack_in
from tests.stores import skip_or_fail, traversable_directory

STEPPED = ("worker.1", "bridge.1", "relay.1", "web.1")


@dataclass
class Surroundings:
    """The stack, with its own file system and clocks where they can be had."""

    stack: Stack
    disk: Disk | None
    clocks: Clocks | None


@pytest.fixture(scope="package")
def surroundings() -> Iterator[Surroundings]:
    with traversable_directory() as directory, own_disk(directory / "stack") as disk:
        clocks = make_clocks(directory, STEPPED)
        variables, scale = clocks.variables if clocks else (), "bridge=2,worker=2,relay=2"
        with running_stack_in(directory, free_port_base(), SHORT_LEASE_SETTINGS, scale, variables) as stack:
            yield Surroundings(stack, disk, clocks)


@pytest.fixture
def stack(surroundings: Surroundings) -> Stack:
    """The stack, once every process that the last test broke is ready again."""
    eventually(
        lambda: all(process["ready"] for process in surroundings.stack.status()["processes"]),
        timeout=120,
    )
    return surroundings.stack


@pytest.fixture
def disk(surroundings: Surroundings) -> Disk:
    """The stack's file system; the test is skipped where this account may mount none."""
    if surroundings.disk is None:
        pytest.skip("this account may not mount a file system of memory")
    return surroundings.disk


@pytest.fixture
def clocks(surroundings: Surroundings) -> Clocks:
    """The clocks of the stack's processes."""
    if surroundings.clocks is None:
        skip_or_fail("libfaketime is not installed; install Debian's package of that name")
    return surroundings.clocks
