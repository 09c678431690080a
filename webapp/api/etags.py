"""Answers 304 without reading a thought, when the client's copy is still right (RFC 9110).

The tags are weak: an equal tag promises equal JSON, but it is made from versions, before the JSON and not from it. It
is read first, so that a change in between makes the tag older than the JSON, which costs one more answer, never a
stale copy.
"""

from functools import cache
from hashlib import sha256

from flask import Response, request

from agents.catalogue import CATALOGUE
from webapp.representations import Thought


def tag_of(*versions: str) -> str:
    """Return the value of a tag that changes with any of the versions, and with the form of the JSON itself."""
    return sha256(" ".join((_form_of_thoughts(), *CATALOGUE.names, *versions)).encode()).hexdigest()[:32]


def not_modified(tag: str) -> Response | None:
    """Return the answer 304 when the request names this tag, otherwise None."""
    return tagged(Response(status=304), tag) if request.if_none_match.contains_weak(tag) else None


def tagged(response: Response, tag: str) -> Response:
    """Add the tag. Caches keep nothing (`no-store`), because thoughts are private: the client keeps tag and copy."""
    response.set_etag(tag, weak=True)
    response.vary.update(("Authorization", "Cookie"))
    return response


def tagged_by_content(response: Response) -> Response:
    """Add a tag that is made from the body, for an answer whose version costs as much as its body; 304 if possible."""
    response.add_etag()
    tag, _ = response.get_etag()
    return not_modified(str(tag)) or tagged(response, str(tag))


@cache
def _form_of_thoughts() -> str:
    """Return a digest of the form of a thought's JSON, so that a release that changes it changes every tag."""
    return sha256(str(Thought.model_json_schema(mode="serialization")).encode()).hexdigest()
