"""Ports for the stacks of tests: another run on this machine, or a server that is there, must not end this one."""

import os
import random

from devstack.spec.ports import PORT_COUNT, accepts

LOWEST, HIGHEST = 20000, 30000
"""Below the range from which the system hands out ports by itself."""

STEP = 10


def free_base() -> int:
    """A port base whose ports nobody uses. The processes of one run never draw the same, two runs seldom do."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    bases = range(LOWEST + STEP * number, HIGHEST, STEP * workers)
    return next(
        base for base in random.sample(bases, len(bases)) if not any(accepts(base + n, 0.2) for n in range(PORT_COUNT))
    )
