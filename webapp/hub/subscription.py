"""What one stream hears from the hub."""

import queue
import threading
from enum import Enum

from webapp.hub.sse import StreamMessage

QUEUE_SIZE = 500
"""Messages that may wait for a slow reader: some 60 thoughts. One more closes the stream, so that nothing is dropped
in silence: the client comes again and gets what it missed."""


class ControlMessage(Enum):
    """What else can be heard."""

    GAP = "messages may have been lost: look into PostgreSQL"
    END = "close the stream"


class Subscription:
    """A bounded queue from the hub's thread to one stream."""

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self._confirmed = threading.Event()
        self._has_begun = False
        self._messages: queue.Queue[StreamMessage | ControlMessage] = queue.Queue(QUEUE_SIZE)
        self._closed = False

    def next_message(self, timeout: float) -> StreamMessage | ControlMessage | None:
        """The next thing heard; None after `timeout` seconds of silence."""
        if self._closed:
            return ControlMessage.END
        try:
            heard = self._messages.get(timeout=max(0.0, timeout))
        except queue.Empty:
            return None
        return ControlMessage.END if self._closed else heard

    def offer(self, message: StreamMessage | ControlMessage) -> None:
        """Called by the hub, which must never wait: a full queue closes the stream."""
        try:
            self._messages.put_nowait(message)
        except queue.Full:
            self._closed = True

    def wait_until_confirmed(self, seconds: float) -> None:
        """Wait for Redis's acknowledgement, at most so long; who begins without it hears of a gap when it comes."""
        self._confirmed.wait(seconds)
        self._has_begun = True

    def confirm(self) -> None:
        """Redis has acknowledged the channel; when the stream has begun before: after a gap."""
        if self._has_begun:
            self.report_gap()
        self._confirmed.set()

    def report_gap(self) -> None:
        """The connection to Redis was lost, or is back."""
        self.offer(ControlMessage.GAP)

    def close(self) -> None:
        """End the stream at its next look."""
        self._closed = True
        self.offer(ControlMessage.END)
