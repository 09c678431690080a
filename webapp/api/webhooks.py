"""The JSON calls of webhooks: create, list, test, enable and delete those of one's account."""

from dataclasses import asdict
from uuid import UUID

from flask import Blueprint, Response

from contracts.webhooks import secret_text
from webapp import access
from webapp.api import describe_webhooks as calls
from webapp.api.requests import sent_body
from webapp.operations import described
from webapp.problem_types import INVALID_VALUE
from webapp.representations import NewlyCreatedWebhook, Webhook, WebhookList, json_response
from webapp.services import services
from webapp.webhooks import management, store
from webapp.webhooks.management import InvalidWebhookError

blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")


@blueprint.get("")
@described(calls.LIST)
def listing() -> Response:
    """Return the account's webhooks, the oldest first, without their secrets."""
    found = store.webhooks_of(services().database, access.require_account())
    return json_response(WebhookList(items=[Webhook(**asdict(webhook)) for webhook in found]))


@blueprint.post("")
@described(calls.CREATE)
def create() -> Response:
    """Create a webhook. Only this answer has its secret."""
    user_id, body = access.require_account(), sent_body(calls.NewWebhook, "webhook")
    try:
        webhook_id, secret = management.create(user_id, body.url, body.events, with_text=body.with_text)
    except InvalidWebhookError as error:
        raise INVALID_VALUE.error(f"{error.field}: {error}") from None
    created = next(one for one in store.webhooks_of(services().database, user_id) if one.id == webhook_id)
    return json_response(NewlyCreatedWebhook(**asdict(created), secret=secret_text(secret)), 201)


@blueprint.delete("/<uuid:webhook_id>")
@described(calls.DELETE)
def delete(webhook_id: UUID) -> Response:
    """Delete a webhook, with the events that wait for it."""
    management.delete(access.require_account(), webhook_id)
    return Response(status=204)


@blueprint.post("/<uuid:webhook_id>/test")
@described(calls.TEST)
def test(webhook_id: UUID) -> Response:
    """Queue a test event; the list shows its result some seconds later."""
    management.ping(access.require_account(), webhook_id)
    return Response(status=202)


@blueprint.post("/<uuid:webhook_id>/enable")
@described(calls.ENABLE)
def enable(webhook_id: UUID) -> Response:
    """Enable a webhook that was disabled because it failed, answered 410, or the password was reset."""
    management.enable(access.require_account(), webhook_id)
    return Response(status=204)
