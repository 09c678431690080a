"""The JSON calls of webhooks: create, list, test, enable and delete those of one's account."""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request
from pydantic import BaseModel, ConfigDict, StrictBool, ValidationError
from werkzeug.exceptions import BadRequest, UnprocessableEntity, UnsupportedMediaType

from contracts.webhooks import EVENT_TYPES, secret_text
from webapp.representations import isoformat_utc, json_response
from webapp.services import services
from webapp.webhooks import management, store
from webapp.webhooks.management import InvalidWebhookError
from webapp.webhooks.store import Webhook

blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")


class NewWebhook(BaseModel):
    """The body of a POST. Unknown members are rejected."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: str
    events: list[str] = list(EVENT_TYPES)
    with_text: StrictBool = False
    """Whether the thought's text is part of each event."""


@blueprint.get("")
def listing() -> Response:
    """Return the account's webhooks, the oldest first, without their secrets."""
    found = store.webhooks_of(services().database, management.require_account())
    return json_response({"items": [_webhook(webhook) for webhook in found]})


@blueprint.post("")
def create() -> Response:
    """Create a webhook. Only this answer has its secret."""
    user_id, body = management.require_account(), _parse_body()
    try:
        webhook_id, secret = management.create(user_id, body.url, body.events, with_text=body.with_text)
    except InvalidWebhookError as error:
        raise UnprocessableEntity(f"{error.field}: {error}") from None
    created = next(one for one in store.webhooks_of(services().database, user_id) if one.id == webhook_id)
    return json_response(_webhook(created) | {"secret": secret_text(secret)}, 201)


@blueprint.delete("/<uuid:webhook_id>")
def delete(webhook_id: UUID) -> Response:
    """Delete a webhook, with the events that wait for it."""
    management.delete(management.require_account(), webhook_id)
    return Response(status=204)


@blueprint.post("/<uuid:webhook_id>/test")
def test(webhook_id: UUID) -> Response:
    """Queue a test event; the list shows its result some seconds later."""
    management.ping(management.require_account(), webhook_id)
    return Response(status=202)


@blueprint.post("/<uuid:webhook_id>/enable")
def enable(webhook_id: UUID) -> Response:
    """Enable a webhook that was disabled because it failed."""
    management.enable(management.require_account(), webhook_id)
    return Response(status=204)


def _webhook(webhook: Webhook) -> dict[str, Any]:
    times = {name: isoformat_utc(getattr(webhook, name)) for name in ("created_at", "last_sent_at", "disabled_at")}
    return {
        "id": str(webhook.id),
        "url": webhook.url,
        "events": list(webhook.events),
        "with_text": webhook.with_text,
        "failing_since": isoformat_utc(webhook.failing_since),
        "last_result": webhook.last_result,
        "waiting": webhook.waiting,
    } | times


def _parse_body() -> NewWebhook:
    if not request.is_json:
        raise UnsupportedMediaType("Send the webhook as application/json.")
    try:
        return NewWebhook.model_validate_json(request.get_data())
    except ValidationError as invalid:
        error = invalid.errors()[0]
        if error["type"] == "json_invalid":
            raise BadRequest(f"The body is not valid JSON: {error['msg']}.") from None
        field = ".".join(str(part) for part in error["loc"]) or "the body"
        raise UnprocessableEntity(f"{field}: {error['msg']}.") from None
