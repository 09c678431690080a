"""The pages: the form with one's own latest thoughts, and a thought, which may be deleted or written again.

They are whole without JavaScript. The script fetches the same page again as a fragment and exchanges the parts that
differ, so the templates are the only place where a state is drawn.
"""

from typing import Any
from uuid import UUID, uuid4

from flask import Blueprint, Response, make_response, render_template, request
from werkzeug.exceptions import HTTPException, UnprocessableEntity

from agents.catalogue import CATALOGUE
from contracts.text import MAX_THOUGHT_LENGTH
from webapp import access, cursors, session
from webapp.pages.view_models import ThoughtView, in_words
from webapp.pages.wait_notice import wait_notice
from webapp.problems import with_headers
from webapp.queries import LATEST_LENGTH, Thought, page_of_thoughts, thoughts_ahead
from webapp.services import services

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def home() -> Response:
    """The form and the visitor's own latest thoughts, or those behind a cursor."""
    user_id, after = session.ensure_visitor(), cursors.requested_cursor()
    found, following = page_of_thoughts(services().database, user_id, limit=LATEST_LENGTH, after=after)
    waiting = [each.row.created_at for each in found if each.row.status == "pending"]
    waits_for = wait_notice(services(), min(waiting, default=None))
    shown = {
        "user_id": user_id,
        "cursor": request.args.get("cursor") or None,
        "latest": [ThoughtView(each, wait_notice=waits_for) for each in found],
        "older": following and cursors.encode(following),
        "wait_notice": waits_for,
        "agents": CATALOGUE.agents,
    }
    template = "latest.html" if _wants_fragment() else "home.html"
    return make_response(render_template(template, **shown, **_form()))


@blueprint.get("/t/<uuid:thought_id>")
def thought(thought_id: UUID) -> Response:
    """One thought: its agents at work, then what they found."""
    session.ensure_visitor()
    found = access.require_readable(thought_id)
    template = "progress.html" if _wants_fragment() else "thought.html"
    return make_response(render_template(template, view=_view(found)))


@blueprint.get("/t/<uuid:thought_id>/again")
def again(thought_id: UUID) -> Response:
    """The form with the text of an earlier thought, which stays as it is."""
    return make_response(render_template("home.html", **_form(access.require_readable(thought_id).row.text)))


@blueprint.get("/t/<uuid:thought_id>/delete")
def deletion(thought_id: UUID) -> Response:
    """The question before a thought is deleted."""
    return make_response(render_template("delete.html", view=ThoughtView(access.require_readable(thought_id))))


def rerender_form(written: str, refusal: HTTPException, nonce: str = "") -> Response:
    """The form with what was written, and why it was not taken; needs no server, since one that is away may be why.

    With its former nonce the same text is the same thought, should it have been stored after all.
    """
    invalid = refusal.code == UnprocessableEntity.code
    shown = {"refused": refusal.description, "invalid": invalid, "kept": nonce and not invalid}
    page = render_template("home.html", **shown, **_form(written, nonce))
    return with_headers(make_response(page, refusal.code), refusal)


def _view(found: Thought) -> ThoughtView:
    row, parts = found.row, services()
    if row.status != "pending":
        return ThoughtView(found)
    ahead = thoughts_ahead(parts.database, row.user_id, row.turn)
    return ThoughtView(found, ahead, wait_notice(parts, row.created_at))


def _form(written: str = "", nonce: str = "") -> dict[str, Any]:
    batches = not services().settings.consumes_kafka
    return {
        "written": written,
        "nonce": nonce or uuid4().hex,
        "most": MAX_THOUGHT_LENGTH,
        "batches": batches,
        "number_of_agents": in_words(CATALOGUE.total),
    }


def _wants_fragment() -> bool:
    return request.args.get("fragment") == "1"
