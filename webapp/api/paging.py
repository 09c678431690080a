"""Answers a page of a list with a link to the next one, in the body and as a header (RFC 8288)."""

from urllib.parse import urlencode

from flask import Response, request, url_for

from webapp.representations import ListedThought, ThoughtList, json_response

_OWN_PARAMETERS = ("user_id", "limit", "status", "similar_to")


def page_response(items: list[ListedThought], next_cursor: str | None) -> Response:
    """Return the page. The link repeats the parameters of this request, so that a client need not know them."""
    response = json_response(ThoughtList(items=items, next=next_cursor))
    if next_cursor:
        sent = {name: request.args[name] for name in _OWN_PARAMETERS if name in request.args}
        url = f"{url_for('thoughts.listing')}?{urlencode(sent | {'cursor': next_cursor})}"
        response.headers["Link"] = f'<{url}>; rel="next"'
    return response
