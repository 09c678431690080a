"""Sends the due deliveries in a thread of the relay, several at a time, with its own connections to PostgreSQL."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from bridge.webhooks.deliveries import Attempt, Deliveries
from bridge.webhooks.lookups import Lookups
from bridge.webhooks.payload import payload
from bridge.webhooks.request import TIMEOUT_SECONDS, DeliveryError, post
from contracts.database import Database, database_trouble, make_engine
from contracts.settings import Settings
from contracts.trouble_log import log_trouble
from contracts.webhooks import InvalidUrlError, require_url, signed_headers

log = logging.getLogger(__name__)

SENDERS: Final = 8
"""Requests at the same time, each of another account: of an account with slow servers, only its own webhooks wait."""

MAX_BUSY: Final = 32
"""Accounts with a request, or with a lookup that goes on after its request was given up. No more are begun then, so
that name servers that never answer cannot use up the threads."""

PAUSE_SECONDS: Final = 1.0
STOP_TIMEOUT_SECONDS: Final = 3.0
GONE: Final = 410

HEADERS: Final = {"Content-Type": "application/json", "User-Agent": "thoughts-webhooks/1", "Connection": "close"}


class WebhookSender:
    """Sends until `stop` is set. No error ends it."""

    def __init__(
        self, settings: Settings, database: Database, stop: threading.Event, *, seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._seconds = seconds
        self._lookups = Lookups()
        self._allow_loopback = settings.webhook_loopback
        self._deliveries = Deliveries(database)
        self._stop = stop
        self._running: dict[UUID, threading.Thread] = {}
        """Account -> the thread of its request. They are daemons, so that no slow server delays the end of a relay."""

    def run(self) -> None:
        """Send whatever is due, until `stop` is set."""
        while not self._stop.is_set():
            has_begun = self.begin_due()
            self._stop.wait(0.05 if has_begun or self._running else PAUSE_SECONDS)

    def begin_due(self) -> bool:
        """Begin as many attempts as there are free threads; return whether there were any."""
        self._running = {account: thread for account, thread in self._running.items() if thread.is_alive()}
        try:
            attempts = self._claim()
        except SQLAlchemyError as error:
            log_trouble(log, database_trouble(error), "webhooks wait")
            self._stop.wait(PAUSE_SECONDS)
            return False
        for attempt in attempts:
            thread = threading.Thread(target=self._send_safely, args=(attempt,), name="webhook", daemon=True)
            thread.start()
            self._running[attempt.user_id] = thread
        return bool(attempts)

    def _claim(self) -> list[Attempt]:
        busy = self._running.keys() | self._lookups.accounts()
        free = min(SENDERS - len(self._running), MAX_BUSY - len(busy))
        return self._deliveries.claim(free, busy) if free > 0 else []

    def _send_safely(self, attempt: Attempt) -> None:
        try:
            self.send(attempt)
        except SQLAlchemyError as error:
            log_trouble(log, database_trouble(error), "the outcome of a webhook is not stored, it is sent again")
        except Exception:  # the boundary of the thread: the delivery is due again after its pause
            log.exception("A webhook was not sent and is retried.", extra={"webhook_id": attempt.webhook_id})

    def send(self, attempt: Attempt) -> None:
        """Send one attempt and store its outcome. Raises SQLAlchemyError."""
        try:
            url = require_url(attempt.url, allow_loopback=self._allow_loopback)
            body = self._body(attempt)
            headers = signed_headers(attempt.secret, f"msg_{attempt.delivery_id.hex}", int(time.time()), body)
            resolve = partial(self._lookups.look_up, attempt.user_id)
            allowed, seconds = self._allow_loopback, self._seconds
            status = post(url, body, HEADERS | headers, allow_loopback=allowed, resolve=resolve, seconds=seconds)
        except InvalidUrlError as error:
            return self._failed(attempt, f"Not sent: its address {error}.")
        except DeliveryError as error:
            return self._failed(attempt, f"Not sent: {error}.")
        if 200 <= status < 300:
            return self._deliveries.succeeded(attempt, f"Accepted with status {status}.")
        return self._failed(attempt, f"Refused with status {status}.", is_gone=status == GONE)

    def _body(self, attempt: Attempt) -> bytes:
        thought = attempt.event.get("thought_id")
        wants_text = attempt.with_text and thought is not None
        text = self._deliveries.text_of(attempt.user_id, UUID(str(thought))) if wants_text else None
        return payload(attempt.event_type, attempt.event, text)

    def _failed(self, attempt: Attempt, result: str, *, is_gone: bool = False) -> None:
        if self._deliveries.failed(attempt, result, is_gone=is_gone):
            log.warning(
                "A webhook was disabled, its owner can enable it again: %s", result,
                extra={"webhook_id": attempt.webhook_id, "user_id": attempt.user_id},
            )  # fmt: skip


@contextmanager
def background_webhooks(settings: Settings, stop: threading.Event) -> Iterator[None]:
    """Run a WebhookSender during the body, which sets `stop` before it ends.

    A request in progress is abandoned, and made again after its pause.
    """
    engine = make_engine(settings.database_url, "webhooks", connections=SENDERS + 1, index_plans_only=True)
    sender = WebhookSender(settings, Database(engine), stop)
    thread = threading.Thread(target=sender.run, name="webhooks", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join(STOP_TIMEOUT_SECONDS)
        engine.dispose()
