"""What the OpenAPI document says about the API as a whole."""

from typing import Any, Final

from webapp.api_version import API_VERSION, DOCUMENT_VERSION, HEADER
from webapp.operations import Header

INFO: Final[dict[str, Any]] = {
    "title": "Thoughts",
    "version": DOCUMENT_VERSION,
    "summary": "Write down a thought, and five agents analyse it, with live progress.",
    "description": (
        "JSON in UTF-8 both ways. Times are ISO 8601 in UTC. Errors are `application/problem+json` (RFC 9457); their "
        "`type` is a path of this installation, and [/problems](/problems) describes each.\n\n"
        "Version 1 gets new calls, parameters, members, problems and values of `status`-like members; ignore what you "
        "do not know. Nothing that this document names is removed or changes its meaning in version 1."
    ),
    "license": {"name": "MIT", "identifier": "MIT"},
}

TAGS: Final = [
    {"name": "Thoughts", "description": "Submit thoughts, read their analysis, delete them."},
    {"name": "Live progress", "description": "Server-sent events of one user."},
    {"name": "Profile", "description": "What a user wrote about themselves, for the agents."},
    {"name": "Usage", "description": "Calls, tokens and cost."},
    {"name": "Webhooks", "description": "Where the ends of an account's thoughts are sent to."},
    {"name": "API tokens", "description": "The account's tokens. A person creates them at `/account/tokens`."},
    {"name": "Export", "description": "Everything that is stored about an account."},
]

VERSION_PARAMETER: Final = Header(
    HEADER,
    f"The version that the client was written for: `{API_VERSION}`. Another one is refused, rather than misunderstood.",
    {"type": "string", "enum": [API_VERSION]},
)
VERSION_HEADER: Final = Header(HEADER, "The version that answered.", {"type": "string"}, required=True)
