"""Accepts a thought: stores it once, even when an answer of PostgreSQL is lost, and then publishes thought_created."""

import logging
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from contracts.accept import Accepted, accept
from contracts.database import describe_error, is_rejected_data
from contracts.events import thought_created
from contracts.retry import retry
from webapp.readiness.waits import batch_wait, start_wait
from webapp.services import Services
from webapp.users import INSERT_USER, AccountDeletedError

log = logging.getLogger(__name__)

RETRY_TIMEOUT_SECONDS = 3.0
"""No new attempt starts after this. With the timeout of a statement, the client gets a response within about 6 s."""

RETRY_DELAYS = (0.1, 0.4, 1.0)

ACCEPTED = "Processing started..."
ACCEPTED_FOR_BATCH = "Will be analyzed tonight..."
STORED = "Your thought is stored and queued."
"""Begins the message when the analysis cannot start now."""

ENDED_MESSAGES = {"completed": "The analysis is complete.", "failed": "The analysis failed."}
"""Status of a thought that has ended -> the message to a client that waited for it."""


class ThoughtDeletedError(ValueError):
    """Raised when the thought of a repeated Idempotency-Key was deleted; nothing was stored."""


class KeyReusedError(ValueError):
    """Raised when an Idempotency-Key is repeated with another text; nothing was stored."""


def submit(services: Services, user_id: UUID, thought_id: UUID, text: str, *, fresh: bool = False) -> None:
    """Store the thought and publish thought_created. Repeating it with the same id and text changes nothing.

    `fresh` asks for a new analysis, although the results of an equal thought could be copied.

    Raises AccountDeletedError, KeyReusedError or ThoughtDeletedError, and SQLAlchemyError when PostgreSQL stays
    unavailable during the retries.
    """
    event = thought_created(user_id, thought_id, text)
    accepted, attempts = _accept_with_retries(services, user_id, thought_id, text, event.to_bytes(), fresh=fresh)
    if accepted.was_deleted:
        raise ThoughtDeletedError("the thought of this Idempotency-Key was deleted")
    if accepted.contradicts(user_id, text):
        raise KeyReusedError("this Idempotency-Key was used before for another text")
    if accepted.turn is None:
        raise AccountDeletedError("the account was deleted")
    if accepted.created or attempts > 1:  # an earlier attempt may have stored it although its answer was lost
        services.metrics.accepted.inc()
        author = accepted.author or user_id  # the account, when the user has joined one since the request was sent
        services.background_publisher.publish(event.model_copy(update={"user_id": author}))


def status_message(services: Services) -> str:
    """Return what happens next with a thought that was just accepted, by what was seen to run lately."""
    settings, findings = services.settings, services.readiness.findings()
    wait = start_wait(settings, findings) if settings.consumes_kafka else batch_wait(findings)
    if wait:
        return f"{STORED} {wait}"
    return ACCEPTED if settings.consumes_kafka else ACCEPTED_FOR_BATCH


def _accept_with_retries(
    services: Services, user_id: UUID, thought_id: UUID, text: str, event: bytes, *, fresh: bool
) -> tuple[Accepted, int]:
    """Return the result of Accept and the number of attempts. Raises SQLAlchemyError when the last attempt failed."""
    failures: list[Exception] = []

    def log_retry(error: Exception, delay: float) -> None:
        failures.append(error)
        log.warning(
            "PostgreSQL did not accept a thought, retrying in %g s: %s",
            delay,
            describe_error(error),
            extra={"thought_id": thought_id},
        )

    accepted = retry(
        lambda: _accept(services, user_id, thought_id, text, event, fresh=fresh),
        errors=SQLAlchemyError,
        is_transient=lambda error: not is_rejected_data(error),
        delays=RETRY_DELAYS,
        timeout=RETRY_TIMEOUT_SECONDS,
        on_retry=log_retry,
    )
    return accepted, len(failures) + 1


def _accept(services: Services, user_id: UUID, thought_id: UUID, text: str, event: bytes, *, fresh: bool) -> Accepted:
    settings = services.settings

    def accept_once() -> Accepted:
        return accept(
            services.database,
            thought_id=thought_id,
            user_id=user_id,
            text=text,
            event=event,
            topic=settings.kafka_topic,
            emit=settings.kafka_enabled,
            fresh=fresh,
        )

    accepted = accept_once()
    if accepted.user_known:
        return accepted
    services.database.rows(INSERT_USER, id=user_id)
    return accept_once()
