"""The headers that calls take and answers have, as the document describes them."""

from typing import Final

from webapp.operations import Answer, Header

_STRING: Final = {"type": "string"}

_PRINTABLE: Final = "!-~\u00a1-\u00ac\u00ae-\u00ff"
"""Of the characters that a header can hold, in a class of a regular expression; besides, a space within."""

IDEMPOTENCY_KEY: Final = Header(
    "Idempotency-Key",
    "Makes a repeat harmless: the same author and key always mean the same thought. A new key with each new text.",
    {"type": "string", "maxLength": 255, "pattern": f"^[{_PRINTABLE}]([ {_PRINTABLE}]*[{_PRINTABLE}])?$"},
)
PREFER: Final = Header(
    "Prefer",
    "`wait=20` (RFC 7240): answer when the analysis has ended, or after 20 seconds; at most 50. Other preferences, and "
    "a wait for which there is no room, are ignored: then the answer has no `Preference-Applied`.",
    _STRING | {"examples": ["wait=20"]},
)
IF_NONE_MATCH: Final = Header("If-None-Match", "The ETag of an earlier answer: 304 when it is still right.", _STRING)
IF_MATCH: Final = Header(
    "If-Match",
    "The ETag of the profile that was edited, or `*`. 412 when it was changed.",
    {"type": "string", "pattern": '^([*]|"?[0-9]{1,18}"?)$'},
)
LOCATION: Final = Header("Location", "The path of the thought.", _STRING, required=True)
PREFERENCE_APPLIED: Final = Header(
    "Preference-Applied", "The preference that was followed, such as `wait=20`.", _STRING
)
ETAG: Final = Header("ETag", "Send it in If-None-Match to ask whether anything was changed.", _STRING, required=True)
LINK: Final = Header(
    "Link", 'The next page (RFC 8288): `</thoughts?cursor=...>; rel="next"`. Missing on the last one.', _STRING
)

UNCHANGED: Final = Answer("The client's copy is still right.", headers=(ETAG,))
"""The answer 304 to an If-None-Match."""
