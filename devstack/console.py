"""Writes to the terminal; no other module of this package prints.

Write errors are ignored: a closed terminal, or a pipe without a reader, must not keep `up` from stopping what it
started.
"""

import sys
from contextlib import suppress
from typing import TextIO


def print_line(line: str) -> None:
    """Write a line to standard output and flush it, so that progress shows through pipes as well."""
    _write(sys.stdout, line + "\n")


def print_error(line: str) -> None:
    """Write a line to standard error."""
    _write(sys.stderr, line + "\n")


def print_progress(line: str) -> None:
    """Overwrite the current line of a terminal; write nothing to a pipe or a file."""
    if sys.stdout.isatty():
        _write(sys.stdout, f"\r\x1b[K{line}")


def clear_progress() -> None:
    """Clear the line that `print_progress` wrote."""
    print_progress("")


def _write(stream: TextIO, text: str) -> None:
    with suppress(OSError):
        stream.write(text)
        stream.flush()
