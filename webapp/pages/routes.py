"""The pages: the form with the visitor's latest thoughts, one thought, and the pages to delete or resubmit it.

They work without JavaScript. The script fetches the same page again as a fragment and replaces the parts that differ,
so that only the templates render a state.
"""

from typing import Any, Final
from uuid import UUID, uuid4

from flask import Blueprint, Response, make_response, render_template, request
from werkzeug.exceptions import HTTPException, UnprocessableEntity

from agents.catalogue import CATALOGUE
from agents.days import date_text
from contracts.text import MAX_THOUGHT_LENGTH
from contracts.visible_text import has_visible_character
from webapp import access, cursors, identity
from webapp.memory import memory_of
from webapp.pages.view_models import NO_WAIT, ThoughtView, number_in_words
from webapp.pages.wait_notice import interruption_notice, wait_notice
from webapp.problems import copy_headers
from webapp.queries import LATEST_LENGTH, Thought, page_of_thoughts, thoughts_ahead
from webapp.search import MAX_QUERY_LENGTH, find_similar, is_possible
from webapp.services import services

SEARCH_LENGTH: Final = 10
"""Thoughts that a search shows."""

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def home() -> Response:
    """Show the form and the visitor's latest thoughts, or the ones after a cursor."""
    user_id, after = identity.ensure_user(), cursors.requested_cursor()
    thoughts, next_position = page_of_thoughts(services().database, user_id, limit=LATEST_LENGTH, after=after)
    pending_since = [thought.row.created_at for thought in thoughts if thought.row.status == "pending"]
    notice = wait_notice(services(), min(pending_since, default=None))
    notices = {"pending": notice, "processing": interruption_notice(services())}
    context = {
        "user_id": user_id,
        "cursor": request.args.get("cursor") or None,
        "thoughts": [
            ThoughtView(thought, wait_notice=notices.get(thought.row.status, NO_WAIT)) for thought in thoughts
        ],
        "next_cursor": next_position and cursors.encode(next_position),
        "wait_notice": notice,
        "agents": CATALOGUE.agents,
        "can_search": is_possible(services()) and bool(thoughts),
        "max_query_length": MAX_QUERY_LENGTH,
    }
    template = "latest.html" if _wants_fragment() else "home.html"
    return make_response(render_template(template, **context, **_form_context()))


@blueprint.get("/models")
def models() -> Response:
    """Show how to connect a model. It is the same for everyone."""
    return make_response(render_template("models.html"))


@blueprint.get("/t/<uuid:thought_id>")
def thought(thought_id: UUID) -> Response:
    """Show one thought: the progress of its agents, then their results."""
    identity.ensure_user()
    view = _view(access.require_readable(thought_id))
    template = "progress.html" if _wants_fragment() else "thought.html"
    return make_response(render_template(template, view=view, nonce=uuid4().hex, date_text=date_text))


@blueprint.get("/search")
def search() -> Response:
    """Show the visitor's thoughts whose meaning is closest to the text `q`."""
    user_id, written = identity.ensure_user(), request.args.get("q", "")
    query = written if has_visible_character(written) else ""
    found = find_similar(services(), user_id, query, SEARCH_LENGTH).items if query else ()
    views = [ThoughtView(thought) for thought, _ in found]
    return make_response(render_template("search.html", query=query, thoughts=views, max_length=MAX_QUERY_LENGTH))


@blueprint.get("/t/<uuid:thought_id>/again")
def resubmission(thought_id: UUID) -> Response:
    """Show the form with the text of an earlier thought, which stays unchanged."""
    text = access.require_readable(thought_id).row.text
    return make_response(render_template("home.html", **_form_context(text)))


@blueprint.get("/t/<uuid:thought_id>/delete")
def deletion(thought_id: UUID) -> Response:
    """Ask for confirmation before a thought is deleted."""
    return make_response(render_template("delete.html", view=ThoughtView(access.require_readable(thought_id))))


def rerender_form(written: str, error: HTTPException, nonce: str = "") -> Response:
    """Return the form with the written text and the error. It queries no server, because the error may be an outage.

    With the nonce of the failed request, submitting the same text again cannot store it twice.
    """
    is_invalid = error.code == UnprocessableEntity.code
    context = {"error": error.description, "is_invalid": is_invalid, "can_resend": nonce and not is_invalid}
    page = render_template("home.html", **context, **_form_context(written, nonce))
    return copy_headers(error, make_response(page, error.code))


def _view(thought: Thought) -> ThoughtView:
    row = thought.row
    if row.status != "pending":
        notice = interruption_notice(services()) if row.status == "processing" else NO_WAIT
        return ThoughtView(thought, wait_notice=notice, memory=memory_of(services().database, thought))
    ahead = thoughts_ahead(services().database, row.user_id, row.turn)
    return ThoughtView(thought, ahead, wait_notice(services(), row.created_at))


def _form_context(written: str = "", nonce: str = "") -> dict[str, Any]:
    return {
        "written": written,
        "nonce": nonce or uuid4().hex,
        "max_length": MAX_THOUGHT_LENGTH,
        "is_batch_mode": not services().settings.consumes_kafka,
        "number_of_agents": number_in_words(CATALOGUE.total),
    }


def _wants_fragment() -> bool:
    return request.args.get("fragment") == "1"
