"""Distributes the suite's files to the parallel processes, and sorts them."""

from collections.abc import Iterable
from itertools import islice
from pathlib import PurePath

import pytest
from xdist.scheduler import LoadScopeScheduling

STACK_FOLDERS = {"browser", "devstack", "faults", "flow"}
"""Folders whose tests run whole stacks, which takes minutes."""

SHARED_STACKS = (
    ("faults/test_kills.py", "faults/test_poison.py"),
    (
        "faults/test_clocks.py",
        "faults/test_junk.py",
        "faults/test_second_installation.py",
        "faults/test_slow_clients.py",
        "faults/test_spoiled_sessions.py",
        "faults/test_store_states.py",
    ),
    ("flow/test_memory.py", "flow/test_whole_path.py"),
    (
        "browser/test_memory.py",
        "browser/test_old_browsers.py",
        "browser/test_pages.py",
        "browser/test_partial_text.py",
        "browser/test_text_direction.py",
    ),
    (
        "devstack/stores/test_codecs.py",
        "devstack/stores/test_privacy.py",
        "devstack/stores/test_stores.py",
        "devstack/test_whole_stack.py",
    ),
)
"""The files of each group run in one parallel process, because another process would start its own shared stack."""

LONGEST_FILES = ("faults/test_kills.py", "flow/test_switching.py", "faults/test_drain.py")

SMALL_FILES_PER_STACK = 4
"""Number of small files between two files that run stacks."""


class FileScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types here
    """Assigns whole files to the parallel processes."""

    def _split_scope(self, nodeid: str) -> str:
        name = _short(PurePath(nodeid.partition("::")[0]))
        return next((group[0] for group in SHARED_STACKS if name in group), name)


def sort_items(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Sort the tests by file: the longest files first, then each other file that runs stacks before a few small files.

    Otherwise a run would end with one long file alone. The stacks are spread, because all at once would slow each other
    down and leave processors idle afterwards.
    """
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(_short(item.path), []).append(item)
    longest = [name for name in LONGEST_FILES if name in files]
    stacks = [name for name in files if name.partition("/")[0] in STACK_FOLDERS and name not in longest]
    small = iter([name for name in files if name not in {*longest, *stacks}])
    mixed = [name for stack in stacks for name in (stack, *islice(small, SMALL_FILES_PER_STACK))]
    return [item for name in (*longest, *mixed, *small) for item in files[name]]


def _short(path: PurePath) -> str:
    """Return the path below the last folder named tests."""
    last = max(index for index, part in enumerate(path.parts) if part == "tests")
    return "/".join(path.parts[last + 1 :])
