"""Makes standard output and standard error safe to write to, whatever encoding, pipe or file a command was given."""

import io
import os
import sys
from typing import Final

_STANDARD_DESCRIPTORS: Final = (0, 1, 2)


def prepare_streams() -> None:
    """Prepare the standard streams; every command calls this first.

    What the terminal's encoding does not have is written as an escape such as `\\u20ac`. A closed stream is replaced by
    the null device: otherwise the next file that the process opens would get its number, and its output.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) in _STANDARD_DESCRIPTORS:
        pass
    os.close(descriptor)
    sys.stdout = _prepared(sys.stdout)
    sys.stderr = _prepared(sys.stderr)


def discard_output() -> None:
    """Send what is still buffered, and all further output, to the null device: the streams cannot be written to.

    Python writes the buffers once more at exit, and would print a second error.
    """
    null = os.open(os.devnull, os.O_WRONLY)
    for descriptor in _STANDARD_DESCRIPTORS[1:]:
        os.dup2(null, descriptor)
    os.close(null)


def _prepared(stream: object) -> "io.TextIOWrapper":
    if stream is None:  # the descriptor was closed when Python started
        return open(os.devnull, "w")  # noqa: PTH123 - it stays open for the life of the process
    if isinstance(stream, io.TextIOWrapper):
        # Without its own buffer, because click writes to the stream's bytes where the encoding is ASCII.
        stream.reconfigure(errors="backslashreplace", write_through=True)
    return stream  # type: ignore[return-value]  # in tests, another kind of stream
