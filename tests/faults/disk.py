"""A file system in memory for one stack, so that it can be full without filling the machine's disk."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.eventually import eventually

SIZE = "2g"
"""More than a stack needs; memory is used only for what is stored."""


class Disk:
    """A mounted file system of memory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @contextmanager
    def full(self) -> Iterator[None]:
        """Let no process store another byte during the block: the size becomes what is in use."""
        eventually(self._shrink)
        try:
            yield
        finally:
            _mount("remount", self.directory, SIZE)

    def _shrink(self) -> bool:
        """Return False when the processes stored more between the look and the change."""
        usage = os.statvfs(self.directory)
        used = (usage.f_blocks - usage.f_bfree) * usage.f_frsize
        return _mount("remount", self.directory, str(used))


@contextmanager
def own_disk(directory: Path) -> Iterator[Disk | None]:
    """Create the directory on a new file system; yield None where this account may mount none."""
    directory.mkdir(mode=0o711)
    if not _mount("defaults", directory, SIZE):
        yield None
        return
    try:
        yield Disk(directory)
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


def _mount(option: str, directory: Path, size: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"{option},size={size},mode=0711", "tmpfs", str(directory)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
