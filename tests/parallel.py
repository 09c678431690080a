"""How the suite's files are shared out among the parallel processes, and in which order they begin."""

from collections.abc import Iterable
from itertools import islice
from pathlib import PurePath

import pytest
from xdist.scheduler import LoadScopeScheduling

STACK_FOLDERS = {"browser", "devstack", "faults", "flow"}
"""Their tests run whole stacks, for minutes."""

TOGETHER = {
    "faults/test_kills.py": "faults",
    "faults/test_poison.py": "faults",
    "devstack/stores/test_privacy.py": "devstack",
    "devstack/stores/test_stores.py": "devstack",
    "devstack/test_whole_stack.py": "devstack",
}
"""Files that stay in one of the parallel processes, since another one would start one more of the stack they share."""

LONGEST = ("faults/test_kills.py", "flow/test_switching.py", "faults/test_drain.py")

SMALL_AFTER_A_STACK = 4


class Files(LoadScopeScheduling):  # type: ignore[misc]  # xdist carries no types here
    """Hands out whole files to the parallel processes."""

    def _split_scope(self, nodeid: str) -> str:
        path = PurePath(nodeid.partition("::")[0])
        return TOGETHER.get(_short(path), str(path))


def in_order(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """The longest first, so that the end of a run does not wait for one of them alone; then each other stack before a
    few small files. All stacks at once would be in each other's way, and leave processors idle afterwards."""
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(_short(item.path), []).append(item)
    first = [name for name in LONGEST if name in files]
    stacks = [name for name in files if name.partition("/")[0] in STACK_FOLDERS and name not in first]
    small = iter([name for name in files if name not in {*first, *stacks}])
    mixed = [name for stack in stacks for name in (stack, *islice(small, SMALL_AFTER_A_STACK))]
    return [item for name in (*first, *mixed, *small) for item in files[name]]


def _short(path: PurePath) -> str:
    """The path below the last folder named tests."""
    last = max(index for index, part in enumerate(path.parts) if part == "tests")
    return "/".join(path.parts[last + 1 :])
