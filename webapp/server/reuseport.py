"""Takes a listening socket out of its group before it is closed, so that no queued connection is reset.

Several processes listen on one port with SO_REUSEPORT. The kernel assigns each new connection to the queue of one of
them, and resets the connections that are in a queue when its socket is closed. So the socket is first taken out of the
selection with a small classic BPF program, then its queue is served to the end, then it is closed.

The program selects sockets by their index in the group, which the kernel does not tell. It is found by trying: while a
program selects index k, a connection of this process to itself arrives here only when k is this socket's index.
"""

import contextlib
import ctypes
import socket
import struct
from collections.abc import Callable
from typing import Any, Final

SO_ATTACH_REUSEPORT_CBPF: Final = 51
SO_DETACH_REUSEPORT_BPF: Final = 68
MAX_GROUP: Final = 64
"""The most sockets of a group that are tried; a socket beyond stays in the selection."""

VERIFYING_CONNECTIONS: Final = 4

_RETURN, _RETURN_A, _LOAD, _MODULO = 0x06, 0x16, 0x20, 0x94
_RANDOM: Final = 0xFFFFF000 + 56
"""The offset of the ancillary load of a random number."""

Instruction = tuple[int, int]
ArrivesHere = Callable[[], bool]
"""Connect to the listener's address, and return whether the connection arrived in this process."""


def select_only(index: int) -> list[Instruction]:
    """Return the program that selects one socket of the group; an index that does not exist selects by hash."""
    return [(_RETURN, index)]


def select_others(index: int) -> list[Instruction]:
    """Return the program that never selects this socket, as long as the group has another."""
    if index == 0:
        return select_only(1)
    return [(_LOAD, _RANDOM), (_MODULO, index), (_RETURN_A, 0)]


def attach(listener: Any, program: list[Instruction]) -> None:
    """Install the program for the whole group. Raises OSError where the system has no such programs."""
    instructions = b"".join(struct.pack("HBBI", code, 0, 0, value) for code, value in program)
    buffer = ctypes.create_string_buffer(instructions)
    listener.setsockopt(
        socket.SOL_SOCKET,
        SO_ATTACH_REUSEPORT_CBPF,
        struct.pack("HL", len(program), ctypes.addressof(buffer)),
    )


def detach(listener: Any) -> None:
    """Let the kernel select by hash again. Harmless without a program."""
    with contextlib.suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, 0)


def leave_selection(listener: Any, arrives_here: ArrivesHere) -> bool:
    """Let the kernel select other sockets of the group only. Return False when there is none, or no way."""
    try:
        index = _find_index(listener, arrives_here)
        if index is None:
            return False
        attach(listener, select_others(index))
    except OSError:
        return False
    return not any(arrives_here() for _ in range(VERIFYING_CONNECTIONS))


def _find_index(listener: Any, arrives_here: ArrivesHere) -> int | None:
    for index in range(MAX_GROUP):
        attach(listener, select_only(index))
        if arrives_here():
            return index
    return None
