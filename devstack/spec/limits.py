"""Raises the number of files that the stack's processes may open, which some systems set to 256 or 1024."""

import resource

from devstack.errors import DevstackError

NEEDED = 1024
"""Kafka opens its jars and some files per partition; PostgreSQL, Redis and the web a socket per client."""

WANTED = 65536
"""More is not useful: Java and Redis reserve memory for each file that they may open."""


def raise_open_files() -> None:
    """Raise this process's limit of open files as far as it may; the processes of the stack inherit it.

    Raises DevstackError when that is too few.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = WANTED if hard == resource.RLIM_INFINITY else min(hard, WANTED)
    if highest < NEEDED:
        raise DevstackError(
            f"Cannot start. This account may open only {highest} files, and the stack needs {NEEDED}. "
            f"Raise the limit: ulimit -Hn {NEEDED}, or `nofile` in /etc/security/limits.conf."
        )
    if soft != resource.RLIM_INFINITY and soft < highest:
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest, hard))
