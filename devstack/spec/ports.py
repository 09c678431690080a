"""Which port is whose.

    offset  process          with the default base
    +0      page (web.*)     8000
    +1      Flower           8001
    +2      PostgreSQL       8002
    +3      Redis            8003
    +4      Kafka, clients   8004
    +5      Kafka, its own   8005 (the controller's listener)

A stack uses nothing else, so bases that are ten apart never meet. All of them are on the loopback address.
"""

import errno
import socket
from dataclasses import dataclass
from typing import Any

import psutil

from devstack.errors import DevstackError

LOOPBACK = "127.0.0.1"
DEFAULT_BASE = 8000
PORT_COUNT = 6


@dataclass(frozen=True)
class Ports:
    """The ports of one stack; see the table above."""

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


def require_free(wanted: dict[int, str]) -> None:
    """Ports mapped to who wants them: raise DevstackError for the first that somebody listens on already."""
    for port, name in wanted.items():
        if _is_in_use(port):
            raise DevstackError(
                f"Port {port}, which {name} needs, is taken{_owner_of(port)}. "
                "End that process, or choose other ports with --port-base N."
            )


def _is_in_use(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # else old connections in TIME_WAIT count
        try:
            probe.bind((LOOPBACK, port))
        except OSError as refused:
            if refused.errno in {errno.EADDRINUSE, errno.EACCES}:
                return True
            raise
    return False


def _owner_of(port: int) -> str:
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:  # another user's processes cannot be looked at everywhere
        return ""
    for connection in connections:
        if _listens_on(connection, port) and connection.pid:
            return f" by {_name_of(connection.pid)} (pid {connection.pid})"
    return ""


def _name_of(pid: int) -> str:
    try:
        return str(psutil.Process(pid).name())
    except psutil.Error:
        return "a process"


def accepts(port: int, timeout: float = 0.5) -> bool:
    """Whether something on the loopback address takes connections on the port."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=timeout).close()
    except OSError:
        return False
    return True


def listens(pid: int, port: int) -> bool:
    """Whether this very process, or a child of it, listens on the port: several webs share one, and with its option
    `reuse_port` gunicorn's children open the sockets."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children()]
        return any(_listens_on(each, port) for one in family for each in one.net_connections(kind="tcp"))
    except psutil.Error:
        return False


def _listens_on(connection: Any, port: int) -> bool:
    return bool(connection.status == psutil.CONN_LISTEN and connection.laddr.port == port)
