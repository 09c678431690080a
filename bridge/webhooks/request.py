"""Sends one signed request to a webhook: to a checked address, without redirects, within a time and a size."""

import http.client
import io
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

from bridge.webhooks.addresses import RefusedAddressError, Resolve, resolve_public
from bridge.webhooks.lookups import look_up

TIMEOUT_SECONDS: Final = 10.0
"""From the lookup of the host name to the status line, however slowly a server sends."""

MAX_ANSWER_BYTES: Final = 64 * 1024
"""What is read of an answer. Only its status counts, so a longer head is an error and the body is not read."""


class DeliveryError(Exception):
    """Raised when a request brought no status. The message is a clause for the webhook's owner."""


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    allow_loopback: bool,
    resolve: Resolve = look_up,
    context: ssl.SSLContext | None = None,
    seconds: float = TIMEOUT_SECONDS,
) -> int:
    """Send a request and return the status of the answer; a redirect is an answer like any other.

    `context` verifies the server's certificate for the host name of the URL. Raises DeliveryError.
    """
    parts = urlsplit(url)
    host, is_https = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if is_https else 80)
    deadline = time.monotonic() + seconds
    try:
        address = resolve_public(host, port, allow_loopback=allow_loopback, seconds=seconds, resolve=resolve)
        with socket.create_connection((address, port), timeout=_left(deadline)) as connected:
            return _exchange(connected, host if is_https else None, context, url, body, headers, _left(deadline))
    except RefusedAddressError as error:
        raise DeliveryError(str(error)) from None
    except ssl.SSLError as error:
        raise DeliveryError(f"the TLS connection failed ({error.reason or 'no reason given'})") from None
    except TimeoutError:
        raise DeliveryError(f"it did not answer within {seconds:g} s") from None
    except (OSError, http.client.HTTPException) as error:
        raise DeliveryError(f"the connection failed ({type(error).__name__})") from None


def _left(deadline: float) -> float:
    """Return the seconds until the deadline. Raises TimeoutError when it has passed."""
    if (seconds := deadline - time.monotonic()) <= 0:
        raise TimeoutError
    return seconds


def _exchange(
    connected: socket.socket,
    tls_host: str | None,
    context: ssl.SSLContext | None,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    seconds: float,
) -> int:
    """Send the request over this connection and read the status. Raises OSError and HTTPException."""
    with _Deadline(connected, seconds) as deadline:
        stream = connected
        try:
            if tls_host is not None:
                stream = (context or ssl.create_default_context()).wrap_socket(connected, server_hostname=tls_host)
            connection = http.client.HTTPConnection(urlsplit(url).netloc)
            connection.sock = stream
            connection.request("POST", _target(url), body, dict(headers))
            response = http.client.HTTPResponse(_LimitedSocket(stream), method="POST")  # type: ignore[arg-type]
            response.begin()
        except (OSError, http.client.HTTPException) as error:
            if deadline.has_passed:
                raise TimeoutError from error
            raise
        finally:
            stream.close()
    return response.status


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


class _Deadline:
    """Shuts a socket down after so many seconds; a timeout of the socket alone begins again with every byte."""

    def __init__(self, connected: socket.socket, seconds: float) -> None:
        self.has_passed = False
        self._socket = connected.dup()  # wrapping in TLS takes the descriptor of the original
        self._timer = threading.Timer(seconds, self._shut_down)

    def __enter__(self) -> "_Deadline":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._socket.close()

    def _shut_down(self) -> None:
        self.has_passed = True
        with suppress(OSError):  # it has ended already
            self._socket.shutdown(socket.SHUT_RDWR)


class _LimitedSocket:
    """The part of a socket that HTTPResponse uses; it ends after MAX_ANSWER_BYTES."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream

    def makefile(self, *_: Any) -> io.BufferedReader:
        return io.BufferedReader(_LimitedReader(self._stream))


class _LimitedReader(io.RawIOBase):
    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._left = MAX_ANSWER_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        number = self._stream.recv_into(buffer, min(len(buffer), self._left)) if self._left else 0
        self._left -= number
        return number
