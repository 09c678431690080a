"""GET /account/security: the security log of the account, or of the browser's anonymous user."""

import re
from typing import Final

from flask import Blueprint, make_response, render_template, request
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as BaseResponse

from webapp import identity
from webapp.access_check import way_to_sign_in
from webapp.account_pages import event_texts
from webapp.accounts.security_events import EVERYTHING, KEPT, page_of_events
from webapp.services import services

blueprint = Blueprint("security_log", __name__, url_prefix="/account/security")

_CURSOR: Final = re.compile(r"[1-9][0-9]{0,17}")


@blueprint.get("")
def show() -> BaseResponse:
    """Show a page of the events, the latest first. Somebody without account and cookie is led to the sign-in."""
    user_id = identity.current_user()
    if user_id is None:
        return way_to_sign_in()
    before = _requested_position()
    events, following = page_of_events(services().database, user_id, before)
    context = {"events": events, "next_cursor": following, "is_first_page": before == EVERYTHING, "days": KEPT.days}
    page = render_template("security_log.html", title_of=event_texts.title, facts=event_texts.facts, **context)
    return make_response(page)


def _requested_position() -> int:
    """Return the id before which the requested events are. Raises BadRequest."""
    cursor = request.args.get("cursor")
    if not cursor:
        return EVERYTHING
    if not _CURSOR.fullmatch(cursor):
        raise BadRequest("cursor: this cursor is invalid. Open the first page and follow its links.")
    return int(cursor)
