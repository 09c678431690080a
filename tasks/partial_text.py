"""Publishes what models are writing, from one background thread: the latest text of each call, at most five a second.

A lost text costs nothing, so nothing here waits for Redis or reports an error to a provider. A text that is published
while its result is being saved arrives before or after it; streams and pages ignore it once they have the result.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import redis

from agents.interface import PartialOutput, ignore_progress
from agents.readable_text import readable_text
from contracts.events import ThoughtAgentProgress
from contracts.refusals import redis_trouble
from contracts.trouble_log import log_trouble
from tasks.calls import Call
from tasks.step_store import Step

log = logging.getLogger(__name__)

INTERVAL_SECONDS: Final = 0.2
"""The pause between two rounds. A round publishes at most one text of each call."""

PAUSE_SECONDS: Final = 5.0
"""The pause after a round that Redis did not accept."""

MAX_CALLS: Final = 1000
"""The most calls whose texts may wait for the next round. Texts of further calls are dropped."""

OnProgress = Callable[[PartialOutput], None]
ShowProgress = Callable[[Call, Step, UUID], OnProgress]
"""Takes a call, its step and its user, and returns what the provider calls with its partial outputs."""


def show_no_progress(_call: Call, _step: Step, _user_id: UUID) -> OnProgress:
    """Drop all partial outputs."""
    return ignore_progress


@dataclass(eq=False, slots=True)
class _Writer:
    """A call and what its model has written so far."""

    call: Call
    step: Step
    user_id: UUID
    output: PartialOutput
    sent_text: str = ""

    def next_event(self) -> ThoughtAgentProgress | None:
        """Return the event of the text, or None when the call has ended or its text is unchanged."""
        if self.call.has_returned or self.call.cancelled.is_set():
            return None
        text = readable_text(self.step.definition.output, self.output)
        if text == self.sent_text:
            return None
        self.sent_text = text
        return ThoughtAgentProgress(
            user_id=self.user_id,
            thought_id=self.step.thought_id,
            agent_name=self.step.agent,
            agent_number=self.step.number,
            text=text,
        )


class PartialTextPublisher:
    """Publishes the partial texts of all calls of a process. Thread-safe; its thread starts with the first text.

    `publish` raises redis.RedisError while Redis is unavailable. `sleep` takes seconds.
    """

    def __init__(
        self, publish: Callable[[Sequence[ThoughtAgentProgress]], None], *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._publish = publish
        self._sleep = sleep
        self._changed: set[_Writer] = set()
        self._has_changes = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_failing = False

    def show(self, call: Call, step: Step, user_id: UUID) -> OnProgress:
        """Return a function that accepts the partial outputs of a call. It returns at once and never raises."""
        writer = _Writer(call, step, user_id, {})

        def on_progress(output: PartialOutput) -> None:
            writer.output = output
            self._add(writer)

        return on_progress

    def _add(self, writer: _Writer) -> None:
        with self._lock:
            if len(self._changed) < MAX_CALLS:
                self._changed.add(writer)
            if self._thread is None:
                self._thread = _start_thread(self._run)
        self._has_changes.set()

    def _run(self) -> None:
        while True:
            self._has_changes.wait()
            self._has_changes.clear()
            self._sleep(self._publish_round())

    def _publish_round(self) -> float:
        """Publish the latest text of each call that has a new one; return the seconds to wait afterwards."""
        with self._lock:
            writers, self._changed = self._changed, set()
        try:
            if events := [event for writer in writers if (event := writer.next_event())]:
                self._publish(events)
                self._is_failing = False
        except redis.RedisError as error:
            if not self._is_failing:
                log_trouble(log, redis_trouble(error), "what models are writing is not shown until it is back")
            self._is_failing = True
            return PAUSE_SECONDS
        except Exception:  # the poll loop's boundary: without this thread nothing would be shown any more
            log.exception("What models are writing could not be shown; the results are not affected")
            return PAUSE_SECONDS
        return INTERVAL_SECONDS


def _start_thread(body: Callable[[], None]) -> threading.Thread | None:
    """Start the thread, or return None when the system cannot start one; the next text tries again."""
    thread = threading.Thread(target=body, name="partial-texts", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return None
    return thread
