"""Tells Schemathesis what the document says in words: the formats of strings, and which values belong together."""

import base64
import os
from datetime import UTC
from typing import Any
from uuid import uuid4

import schemathesis
from hypothesis import strategies as st

from contracts.visible_text import has_visible_character

_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1)


def _cursor(place: str, thought_id: object) -> str:
    return base64.urlsafe_b64encode(f"{place}|{thought_id}".encode()).decode().rstrip("=")


_TIMES = st.datetimes(timezones=st.just(UTC)).map(lambda time: time.isoformat())

schemathesis.openapi.format("visible-text", _TEXT.filter(has_visible_character))
schemathesis.openapi.format("visible-line", _TEXT.filter(lambda text: has_visible_character(" ".join(text.split()))))
schemathesis.openapi.format("cursor", st.builds(_cursor, _TIMES, st.uuids()))
schemathesis.openapi.format("webhook-url", st.integers(1, 10**6).map("https://example.org/hooks/{}".format))
schemathesis.openapi.format("time-zone", st.sampled_from(["", "Europe/Berlin", "utc", "America/New_York"]))


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Take a valid request's contradictions out, which no schema can exclude: each has a test of its own."""
    _keep_own_token(case)
    if not _is_positive(case):
        return
    headers, query = case.headers or {}, case.query or {}
    body = case.body if isinstance(case.body, dict) else {}
    if "Idempotency-Key" in headers:  # a key of an earlier request, with another text
        headers["Idempotency-Key"] = f"{headers['Idempotency-Key'][:200]}-{uuid4()}"
    for thought in body.get("thoughts", ()):
        if thought.get("idempotency_key"):
            thought["idempotency_key"] = f"{thought['idempotency_key'][:200]}-{uuid4()}"
    if "similar_to" in query:  # a search has no status, and its cursors are not those of the list
        query.pop("status", None)
        query.pop("cursor", None)
    if body.get("version") is not None:
        headers.pop("If-Match", None)
    if body.get("user_id"):
        query.pop("user_id", None)


def _keep_own_token(case: Any) -> None:
    """Delete another token than that of this run, which a link from the list of tokens leads to."""
    parameters = case.path_parameters or {}
    if str(parameters.get("token_id")).lower() == os.environ["THOUGHTS_TEST_TOKEN_ID"]:
        parameters["token_id"] = str(uuid4())


def _is_positive(case: Any) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_positive
