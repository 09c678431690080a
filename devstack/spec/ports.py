"""Assigns the ports of a stack, and checks which ports are in use.

    offset  process          with the default base
    +0      page (web.*)     8000
    +1      Flower           8001
    +2      PostgreSQL       8002
    +3      Redis            8003
    +4      Kafka, clients   8004
    +5      Kafka, internal  8005 (the controller's listener)

A stack uses no other ports, so stacks whose bases are ten apart never conflict. All ports are on the loopback address.
"""

import errno
import socket
from dataclasses import dataclass
from typing import Any

import psutil

from devstack.errors import DevstackError

LOOPBACK = "127.0.0.1"
LOOPBACK_ADDRESSES = ((socket.AF_INET, LOOPBACK), (socket.AF_INET6, "::1"))
"""Addresses that must be free. The stack uses the first; a browser that opens `localhost` tries `::1` before it, and
would show the page of another application."""

DEFAULT_BASE = 8000
PORT_COUNT = 6


@dataclass(frozen=True)
class Ports:
    """The ports of one stack. Raises DevstackError for a base outside the range."""

    base: int

    def __post_init__(self) -> None:
        if not 1024 <= self.base <= 65536 - PORT_COUNT:
            raise DevstackError(f"--port-base {self.base}: choose a number from 1024 to {65536 - PORT_COUNT}.")

    @property
    def web(self) -> int:
        return self.base

    @property
    def flower(self) -> int:
        return self.base + 1

    @property
    def postgres(self) -> int:
        return self.base + 2

    @property
    def redis(self) -> int:
        return self.base + 3

    @property
    def kafka(self) -> int:
        return self.base + 4

    @property
    def kafka_controller(self) -> int:
        return self.base + 5


def require_free(needed_ports: dict[int, str]) -> None:
    """Check that no process listens on the ports, given with the names of the processes that need them.

    A port that is in use by IPv6 alone counts too, because of `localhost` (LOOPBACK_ADDRESSES).
    Raises DevstackError for the first port that is in use.
    """
    for port, name in needed_ports.items():
        if _is_in_use(port):
            raise DevstackError(
                f"Port {port}, needed by {name}, is in use{_describe_owner(port)}. "
                "Stop that process, or choose other ports with --port-base N."
            )


def _is_in_use(port: int) -> bool:
    return any(_has_listener(family, address, port) for family, address in LOOPBACK_ADDRESSES)


def _has_listener(family: socket.AddressFamily, address: str, port: int) -> bool:
    """Return whether a process listens on this address, or on all addresses of the family."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # Without the first option, old connections in TIME_WAIT count as use. Without the second, a server on all
            # addresses of IPv4 counts as one of IPv6.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((address, port))
    except OSError as error:
        if error.errno in {errno.EADDRINUSE, errno.EACCES}:
            return True
        if family == socket.AF_INET6:  # this machine has no IPv6
            return False
        raise
    return False


def _describe_owner(port: int) -> str:
    """Name the process that listens on the port, or else the one whose outgoing connection was given it."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:  # some systems hide the processes of other users
        return ""
    users = [connection for connection in connections if connection.laddr and connection.laddr.port == port]
    for connection in sorted(users, key=lambda user: not _listens_on(user, port)):
        if connection.pid:
            kind = "" if _listens_on(connection, port) else "a connection of "
            return f" by {kind}{_process_name(connection.pid)} (pid {connection.pid})"
    return ""


def _process_name(pid: int) -> str:
    try:
        return str(psutil.Process(pid).name())
    except psutil.Error:
        return "a process"


def accepts_connections(port: int, timeout: float = 0.5) -> bool:
    """Return whether a server on the loopback address accepts connections on the port within `timeout` seconds."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=timeout).close()
    except OSError:
        return False
    return True


def is_listening(pid: int, port: int) -> bool:
    """Return whether the process or one of its children listens on the port.

    A connection to the port does not show that, because several webs share one port. Children count, because with its
    option `reuse_port` gunicorn's children open the sockets.
    """
    try:
        process = psutil.Process(pid)
        family = [process, *process.children()]
        return any(
            _listens_on(connection, port) for member in family for connection in member.net_connections(kind="tcp")
        )
    except psutil.Error:
        return False


def _listens_on(connection: Any, port: int) -> bool:
    return bool(connection.status == psutil.CONN_LISTEN and connection.laddr.port == port)
