"""Chooses ports for the tests' stacks that neither another run on this machine nor another server uses."""

import os
import random

from devstack.spec.ports import PORT_COUNT, accepts_connections

LOWEST_PORT, HIGHEST_PORT = 20000, 30000
"""Range below the ports that the system assigns automatically."""

STEP = 10
"""Distance between two port bases."""


def free_port_base() -> int:
    """Return a random port base whose ports are free.

    The parallel processes of one run never choose the same; two runs rarely do.
    """
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    bases = range(LOWEST_PORT + STEP * number, HIGHEST_PORT, STEP * workers)
    return next(
        base
        for base in random.sample(bases, len(bases))
        if not any(accepts_connections(base + offset, 0.2) for offset in range(PORT_COUNT))
    )
