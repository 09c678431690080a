"""The queue from the hub to one stream."""

import contextlib
import queue
import threading
from enum import Enum

from webapp.hub.sse import PartialText, StreamMessage

QUEUE_SIZE = 500
"""Messages that may wait for a slow client: about 60 thoughts. One more closes the stream instead of dropping messages;
the client reconnects and gets what it missed."""

QUEUE_BYTES = 256 * 1024
"""Bytes of published messages that may wait. A single message may be larger."""

MAX_QUEUE_WITH_PARTIAL_TEXTS = QUEUE_SIZE // 2
"""A longer queue accepts no partial texts, so that a slow client still gets its events; nor does one with half of
QUEUE_BYTES."""


class ControlMessage(Enum):
    """Messages of the hub itself."""

    GAP = "messages may have been lost: query PostgreSQL"
    END = "close the stream"


class Subscription:
    """A bounded queue of messages from the hub's thread to one stream."""

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self._confirmed = threading.Event()
        self._has_started = False
        self._messages: queue.Queue[StreamMessage | ControlMessage] = queue.Queue(QUEUE_SIZE)
        self._waiting_bytes = 0
        self._is_closed = False

    def next_message(self, timeout: float) -> StreamMessage | ControlMessage | None:
        """Return the next message, or None after `timeout` seconds without one."""
        if self._is_closed:
            return ControlMessage.END
        try:
            message = self._messages.get(timeout=max(0.0, timeout))
        except queue.Empty:
            return None
        self._waiting_bytes -= _size(message)
        return ControlMessage.END if self._is_closed else message

    def offer(self, message: StreamMessage | ControlMessage) -> None:
        """Add a message without waiting, because the hub serves all streams. A full queue closes the stream."""
        waiting_bytes = self._waiting_bytes + _size(message)
        if isinstance(message, PartialText) and (
            self._messages.qsize() >= MAX_QUEUE_WITH_PARTIAL_TEXTS or waiting_bytes > QUEUE_BYTES // 2
        ):
            return
        if self._waiting_bytes and waiting_bytes > QUEUE_BYTES:
            self._overflow()
            return
        try:
            self._messages.put_nowait(message)
        except queue.Full:
            self._overflow()
            return
        self._waiting_bytes = waiting_bytes

    def wait_until_confirmed(self, timeout: float) -> None:
        """Wait at most `timeout` seconds until Redis confirms the channel. A later confirmation reports a gap."""
        self._confirmed.wait(timeout)
        self._has_started = True

    def confirm(self) -> None:
        """Note that Redis has confirmed the channel. When the stream has started before, report a gap."""
        if self._has_started:
            self.report_gap()
        self._confirmed.set()

    def report_gap(self) -> None:
        """Report that messages may have been lost: the connection to Redis was lost, or is back."""
        self.offer(ControlMessage.GAP)

    def close(self) -> None:
        """Make the stream end at its next message."""
        self._is_closed = True
        self.offer(ControlMessage.END)

    def _overflow(self) -> None:
        """Close the stream and free its messages at once: the client may not read for a long time."""
        self._is_closed = True
        with contextlib.suppress(queue.Empty):
            while True:
                self._messages.get_nowait()
        self._messages.put_nowait(ControlMessage.END)  # wakes a stream that waits


def _size(message: StreamMessage | ControlMessage) -> int:
    return message.size if isinstance(message, StreamMessage) else 0
