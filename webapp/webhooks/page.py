"""The page of an account's webhooks. It works without JavaScript, and shows a secret once."""

from typing import Final
from uuid import UUID

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import Conflict
from werkzeug.wrappers import Response as BaseResponse

from contracts.webhooks import EVENT_TYPES, MAX_URL_LENGTH, secret_text
from webapp import access
from webapp.services import services
from webapp.webhooks import management, store
from webapp.webhooks.management import InvalidWebhookError

blueprint = Blueprint("webhook_pages", __name__, url_prefix="/account/webhooks")

EVENT_TEXTS: Final = {"thought_completed": "A thought was analysed", "thought_failed": "A thought failed"}


@blueprint.get("")
def show() -> Response:
    """Show the account's webhooks."""
    return _render()


@blueprint.post("")
def create() -> Response:
    """Create a webhook, and show its secret. Every error stands beside its field, with what was written."""
    user_id = access.require_account()
    url, events = request.form.get("url", "").strip(), request.form.getlist("events")
    try:
        _, secret = management.create(user_id, url, events, with_text=request.form.get("with_text") == "1")
    except InvalidWebhookError as error:
        return _render(errors={error.field: str(error)}, status=422)
    except Conflict as error:
        return _render(errors={"url": str(error.description)}, status=409)
    return _render(secret=secret_text(secret), created_url=url)


@blueprint.post("/<uuid:webhook_id>/test")
def test(webhook_id: UUID) -> BaseResponse:
    """Queue a test event."""
    management.ping(access.require_account(), webhook_id)
    return _back("A test event is being sent. Reload this page to see the result.")


@blueprint.post("/<uuid:webhook_id>/enable")
def enable(webhook_id: UUID) -> BaseResponse:
    """Enable a webhook again."""
    management.enable(access.require_account(), webhook_id)
    return _back("The webhook is enabled again.")


@blueprint.post("/<uuid:webhook_id>/delete")
def delete(webhook_id: UUID) -> BaseResponse:
    """Delete a webhook."""
    management.delete(access.require_account(), webhook_id)
    return _back("The webhook was deleted.")


def _back(notice: str) -> BaseResponse:
    flash(notice)
    return redirect(url_for("webhook_pages.show"), 303)


def _render(
    *, secret: str = "", created_url: str = "", errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    page = render_template(
        "webhooks.html",
        webhooks=store.webhooks_of(services().database, access.require_account()),
        secret=secret,
        created_url=created_url,
        errors=errors or {},
        written=request.form if errors else {},
        chosen=request.form.getlist("events") if errors else EVENT_TYPES,
        event_texts=EVENT_TEXTS,
        max_length=MAX_URL_LENGTH,
        has_kafka=services().settings.kafka_enabled,
    )
    return make_response(page, status)
