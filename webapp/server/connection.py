"""One client's connection: a socket whose every wait has a deadline.

Gunicorn reads requests from it and writes answers to it as if it were the socket itself.
"""

import contextlib
import errno
import socket
import struct
import time
from enum import Enum
from typing import Any, Final

import gevent
from gunicorn.http.errors import LimitRequestHeaders
from werkzeug.exceptions import RequestTimeout

from webapp.problems import service_unavailable
from webapp.server.connections import Connections
from webapp.server.deadlines import (
    ANSWER,
    BODY,
    FIRST_REQUEST_SECONDS,
    HEAD,
    LINGER_SECONDS,
    MOST_LINGER_SECONDS,
)

MAX_HEAD_BYTES: Final = 64 * 1024
"""The request line and all headers; gunicorn limits only each of them."""

SLICE_BYTES: Final = 64 * 1024
"""How much of an answer is sent before its deadline moves."""

MAX_UNREAD_BYTES: Final = 256 * 1024
"""How much of an unread body is read to keep the connection."""

MAX_DISCARDED_BYTES: Final = 32 * 1024 * 1024
"""How much more is read before the connection closes, so that the client of a far too large body gets its answer."""

_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER that makes close() discard unsent data at once: its client does not read, and the kernel would keep it."""

TOO_SLOW = "The request did not arrive in time. Send it again, with less pause between its parts."
TOO_BUSY = "Too many slow connections are open, so this one was ended before its request had arrived. Send it again."


class Phase(Enum):
    """What the connection waits for."""

    IDLE = "the first byte of a request"
    HEAD = "the rest of its request line and headers"
    REQUEST = "the application, or the body that it reads"
    ANSWER = "the client, which reads the answer"
    STREAM = "the application, or the client, which reads events"


class Connection:
    """A client's socket with deadlines. Its phase says which deadline holds."""

    def __init__(self, sock: Any, connections: Connections, idle_seconds: float) -> None:
        self._socket = sock
        self._connections = connections
        self._idle_seconds = idle_seconds
        self._phase = Phase.IDLE
        self._phase_seconds = FIRST_REQUEST_SECONDS
        self._request: Any = None
        self._transferred = 0
        self._is_waiting = False
        self._is_dropped = False
        self._is_answering_drop = False
        self._is_aborted = False
        self.head = bytearray()
        self.since = time.monotonic()
        self.held_bytes = 0

    def __getattr__(self, name: str) -> Any:
        """Everything without a deadline is the socket's own."""
        return getattr(self._socket, name)

    @property
    def waits_for_client(self) -> bool:
        """Whether a greenlet reads or writes at this moment."""
        return self._is_waiting

    @property
    def is_stream(self) -> bool:
        """Whether the answer is an event stream."""
        return self._phase is Phase.STREAM

    def setblocking(self, flag: bool) -> None:
        """Ignore it: each wait sets its own timeout."""

    def begin_request(self, request: Any) -> None:
        """Note that the headers have arrived; the application runs."""
        self._request = request
        self.head = bytearray()
        self._enter(Phase.REQUEST)

    def end_request(self) -> None:
        """Read the rest of the body, so that the next request can follow, and wait for that one."""
        is_skipped = self._skip_body()
        self._connections.hold(self, 0)
        self._phase_seconds = self._idle_seconds
        self._enter(Phase.IDLE if is_skipped else Phase.ANSWER)
        if not is_skipped:
            self._request.force_close()

    def begin_stream(self, seconds: float) -> None:
        """Give the client `seconds` to read each event. No further request follows on the connection."""
        self._phase_seconds = seconds
        self._request.force_close()
        self._enter(Phase.STREAM)

    def recv(self, size: int) -> bytes:
        """Return what the client sends next, b"" when it has closed its side.

        Raises RequestTimeout or ServiceUnavailable when a request has begun, ConnectionResetError otherwise, and
        LimitRequestHeaders.
        """
        if len(self.head) > MAX_HEAD_BYTES:
            raise LimitRequestHeaders("all headers together are too large")
        data: bytes = self._wait(self._socket.recv, size, self._read_deadline())
        if self._phase is Phase.IDLE and data:
            self._enter(Phase.HEAD)
        if self._phase is Phase.HEAD:
            self.head += data
        self._transferred += len(data)
        self._connections.hold(self, self._transferred)
        return data

    def sendall(self, data: bytes) -> None:
        """Send all of it. Raises ConnectionResetError when the client does not read it in time."""
        if self._phase is not Phase.STREAM and self._phase is not Phase.ANSWER:
            self._enter(Phase.ANSWER)
        started = time.monotonic()
        if self._phase is Phase.STREAM:
            self.since = started
        view = memoryview(data)
        for start in range(0, len(view), SLICE_BYTES):
            self._connections.hold(self, len(view) - start)
            part = view[start : start + SLICE_BYTES]
            self._wait(self._socket.sendall, part, self._write_deadline(started))
            self._transferred += len(part)
        self._connections.hold(self, 0)

    def send(self, data: bytes) -> None:
        """Send gunicorn's answer to "Expect: 100-continue"; the body follows."""
        self._wait(self._socket.sendall, data, ANSWER.deadline(time.monotonic(), 0))

    def drop(self) -> None:
        """End the wait for the client: a request gets a 503, an answer ends."""
        self._is_dropped = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RD if self._is_reading() else socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection. After an answer, read until the client has closed, so that the answer arrives."""
        with contextlib.suppress(OSError):
            if self._is_aborted:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            elif self._phase is Phase.ANSWER or self._phase is Phase.STREAM:
                self._socket.shutdown(socket.SHUT_WR)
                self._linger()
        self._socket.close()

    def _is_reading(self) -> bool:
        return self._phase in {Phase.IDLE, Phase.HEAD, Phase.REQUEST}

    def _enter(self, phase: Phase) -> None:
        self._phase, self._transferred, self.since = phase, 0, time.monotonic()

    def _read_deadline(self) -> float:
        if self._phase is Phase.IDLE:
            return self.since + self._phase_seconds
        if self._phase is Phase.HEAD:
            return HEAD.deadline(self.since, self._transferred)
        if not self._transferred:
            self.since = time.monotonic()  # the application may have worked before it reads
        return BODY.deadline(self.since, self._transferred)

    def _write_deadline(self, started: float) -> float:
        if self._phase is Phase.STREAM:
            return started + self._phase_seconds
        return ANSWER.deadline(self.since, self._transferred)

    def _wait(self, call: Any, argument: Any, deadline: float) -> Any:
        """Call the socket until the deadline. Raises what the phase makes of a late or dropped client."""
        if self._is_dropped and not self._is_answering_drop:
            raise self._dropped_error()
        self._socket.settimeout(max(0.001, deadline - time.monotonic()))
        self._is_waiting = True
        try:
            result = call(argument)
        except TimeoutError:
            raise self._late_error() from None
        except OSError:
            if self._is_dropped and not self._is_answering_drop:
                raise self._dropped_error() from None
            raise
        finally:
            self._is_waiting = False
        if self._is_dropped and not self._is_answering_drop:
            raise self._dropped_error()
        return result

    def _late_error(self) -> Exception:
        if self._phase in {Phase.HEAD, Phase.REQUEST}:
            self._close_after_answer()
            return RequestTimeout(TOO_SLOW)
        return self._reset_error()

    def _dropped_error(self) -> Exception:
        if self._phase in {Phase.HEAD, Phase.REQUEST}:
            self._is_answering_drop = True
            self._close_after_answer()
            return service_unavailable(TOO_BUSY)
        return self._reset_error()

    def _close_after_answer(self) -> None:
        if self._request is not None:
            self._request.force_close()

    def _reset_error(self) -> OSError:
        """Return the error that gunicorn ignores, because the client is at fault."""
        self._is_aborted = self._phase in {Phase.ANSWER, Phase.STREAM}
        return ConnectionResetError(errno.ECONNRESET, "the client did not send or read in time")

    def _skip_body(self) -> bool:
        """Return whether the whole body has been read."""
        self._phase = Phase.REQUEST
        try:
            for _ in range(0, MAX_UNREAD_BYTES, SLICE_BYTES):
                if not self._request.body.read(SLICE_BYTES):
                    return True
        except Exception:  # noqa: BLE001 - whatever the body is, its answer is sent; the connection only closes
            return False
        return False

    def _linger(self) -> None:
        end = time.monotonic() + (0 if self._is_dropped else MOST_LINGER_SECONDS)
        discarded = 0
        self._is_waiting = True
        while discarded < MAX_DISCARDED_BYTES:
            self._socket.settimeout(max(0.001, min(LINGER_SECONDS, end - time.monotonic())))
            size = len(self._socket.recv(SLICE_BYTES))
            gevent.sleep(0)  # data that is already there would never make this greenlet wait
            if not size or time.monotonic() > end:
                return
            discarded += size
