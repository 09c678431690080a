"""What JSON calls and page share: what a webhook may be, and what becomes of one that the account does not have."""

from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from contracts.database import Database
from contracts.webhooks import EVENT_TYPES, InvalidUrlError, require_url
from webapp import bearer
from webapp.event_recording import record
from webapp.problem_types import NOT_FOUND, TOO_MANY_WEBHOOKS
from webapp.services import services
from webapp.users import AccountDeletedError
from webapp.webhooks import store

MISSING: Final = "This webhook does not exist, or it belongs to another account."


class InvalidWebhookError(ValueError):
    """Raised for a webhook that cannot be created. `field` names what is wrong, the message says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def create(user_id: UUID, url: str, events: Sequence[str], *, with_text: bool) -> tuple[UUID, bytes]:
    """Create a webhook, and return its id and its secret. Raises InvalidWebhookError, Conflict and Unauthorized."""
    try:
        require_url(url, allow_loopback=services().settings.webhook_loopback)
    except InvalidUrlError as error:
        raise InvalidWebhookError("url", f"The address {error}.") from None
    unknown = sorted(set(events) - set(EVENT_TYPES))
    if unknown or not events:
        raise InvalidWebhookError("events", f"Choose at least one of: {', '.join(EVENT_TYPES)}.")
    try:
        created = store.create(services().database, user_id, url, sorted(set(events)), with_text=with_text)
    except AccountDeletedError:
        raise bearer.invalid_token("This account was deleted, so the webhook was not created.") from None
    if created is None:
        raise TOO_MANY_WEBHOOKS.error(f"An account has at most {store.MAX_WEBHOOKS} webhooks. Delete one first.")
    record("webhook-created", user_id, webhook=str(created[0]))
    return created


def delete(user_id: UUID, webhook_id: UUID) -> None:
    """Delete a webhook of the account. Raises NotFound."""
    _require(store.delete, user_id, webhook_id)
    record("webhook-deleted", user_id, webhook=str(webhook_id))


def ping(user_id: UUID, webhook_id: UUID) -> None:
    """Send a test event to a webhook of the account. Raises NotFound."""
    _require(store.ping, user_id, webhook_id)


def enable(user_id: UUID, webhook_id: UUID) -> None:
    """Enable a webhook of the account again. Raises NotFound."""
    _require(store.enable, user_id, webhook_id)


def _require(action: Callable[[Database, UUID, UUID], bool], user_id: UUID, webhook_id: UUID) -> None:
    if not action(services().database, user_id, webhook_id):
        raise NOT_FOUND.error(MISSING)
