"""Clocks that differ from the machine's: some processes start with libfaketime and read their offset from a file.

Only the time of day changes, as when a clock is corrected. The monotonic clock and the times of files stay right.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib*/faketime/libfaketimeMT.so.1")

VARIABLES = {
    "PYTHONPATH": str(Path(__file__).parent / "sleep_of_libfaketime"),
    "FAKETIME_CACHE_DURATION": "1",
    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    "FAKETIME_DISABLE_SHM": "1",
    "NO_FAKE_STAT": "1",
}
"""The file is read once a second; the offset applies to the time of day only."""


class Clocks:
    """The offsets of the processes of these names."""

    def __init__(self, directory: Path, names: Sequence[str], library: Path) -> None:
        self._directory, self._library = directory, library
        self.names = tuple(names)
        for name in names:
            self._write(name, 0)

    @property
    def variables(self) -> list[str]:
        """The items for `up --env`."""
        return [
            f"{name}:{variable}={value}"
            for name in self.names
            for variable, value in {
                "LD_PRELOAD": str(self._library),
                "FAKETIME_TIMESTAMP_FILE": str(self._file(name)),
                **VARIABLES,
            }.items()
        ]

    @contextmanager
    def stepped(self, name: str, seconds: int) -> Iterator[None]:
        """Set the clock of a process forward, or back, during the block."""
        self._write(name, seconds)
        try:
            yield
        finally:
            self._write(name, 0)

    def _file(self, name: str) -> Path:
        return self._directory / f"{name}.clock"

    def _write(self, name: str, seconds: int) -> None:
        """Replace the file in one step: the library ends a process that reads half a line."""
        temporary = self._directory / f"{name}.new"
        temporary.write_text(f"{seconds:+d}\n")
        temporary.replace(self._file(name))


def make_clocks(directory: Path, names: Sequence[str]) -> Clocks | None:
    """Return the clocks for these processes; None without libfaketime."""
    root = Path("/")
    found = [path for pattern in LIBRARIES for path in sorted(root.glob(pattern.removeprefix("/")))]
    return Clocks(directory, names, found[0]) if found else None
