"""The one place that writes to the terminal.

A terminal that is closed, or a pipe that nobody reads, must not keep `up` from stopping what it started: then nothing
is written.
"""

import sys
from contextlib import suppress
from typing import TextIO


def print_line(line: str) -> None:
    """Write a line to standard output at once, so that progress shows through pipes as well."""
    _write(sys.stdout, line + "\n")


def print_error(line: str) -> None:
    """Write a line to standard error."""
    _write(sys.stderr, line + "\n")


def print_progress(line: str) -> None:
    """Write over the current line of a terminal; elsewhere (a log, a pipe) nothing is shown."""
    if sys.stdout.isatty():
        _write(sys.stdout, f"\r\x1b[K{line}")


def clear_progress() -> None:
    """Clear what `progress` wrote."""
    print_progress("")


def _write(stream: TextIO, text: str) -> None:
    with suppress(OSError):
        stream.write(text)
        stream.flush()
