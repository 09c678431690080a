"""Looks up host names within a time limit, which `socket.getaddrinfo` does not have.

A lookup runs in a thread, because nothing can interrupt it. One that does not end in time is left: its thread remains
until the name server answers or the C library gives up. Its account is busy until then, so that a slow name server
costs one thread for each account and not one for each attempt.
"""

import socket
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any
from uuid import UUID


def look_up(host: str, port: int, seconds: float) -> Sequence[Any]:
    """Return what `socket.getaddrinfo` does. Raises its errors, and TimeoutError after so many seconds."""
    _, found = _start(host, port)
    return found.result(seconds)


class Lookups:
    """The lookups of the accounts, including those that have not ended in time."""

    def __init__(self) -> None:
        self._threads: dict[UUID, threading.Thread] = {}
        self._lock = threading.Lock()

    def look_up(self, account: UUID, host: str, port: int, seconds: float) -> Sequence[Any]:
        """Do what `look_up` does, for an account whose former lookup has ended."""
        thread, found = _start(host, port)
        with self._lock:
            self._threads[account] = thread
        return found.result(seconds)

    def accounts(self) -> set[UUID]:
        """Return the accounts whose lookup has not ended."""
        with self._lock:
            self._threads = {account: thread for account, thread in self._threads.items() if thread.is_alive()}
            return set(self._threads)


def _start(host: str, port: int) -> tuple[threading.Thread, Future[Sequence[Any]]]:
    found: Future[Sequence[Any]] = Future()
    thread = threading.Thread(target=_run, args=(host, port, found), name="lookup", daemon=True)
    thread.start()
    return thread, found


def _run(host: str, port: int, found: Future[Sequence[Any]]) -> None:
    try:
        found.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except Exception as error:  # noqa: BLE001  the boundary of the thread: the error is raised where the result is read
        found.set_exception(error)
