"""Lists the problems that the API answers with: their names, statuses and what a client can do about them.

It is the only list: the responses, the page `/problems` and the OpenAPI document are made from it. A name never changes
its meaning and is never used again for another problem, because programs compare it (docs/api.md).
"""

from dataclasses import dataclass
from typing import Any, Final

from werkzeug.exceptions import HTTPException, default_exceptions

PREFIX: Final = "/problems/"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A kind of error (RFC 9457). `title` is the same for each of its responses; `detail` differs."""

    name: str
    status: int
    title: str
    cause: str
    cure: str

    @property
    def uri(self) -> str:
        """The member `type`: a path without a host, so that it is the same at every address of an installation."""
        return PREFIX + self.name

    def error(self, detail: str, **options: Any) -> HTTPException:
        """Return the HTTP error to raise. `options` are those of werkzeug's class, such as `retry_after`."""
        error = default_exceptions[self.status](detail, **options)
        error.problem_type = self  # type: ignore[attr-defined]  # read by `problem_type`
        return error


# fmt: off
BAD_REQUEST: Final = ProblemType(
    "bad-request", 400, "The request cannot be read",
    "A line, a header or a part of the request is invalid.",
    "Correct the part that `detail` names.",
)
INVALID_JSON: Final = ProblemType(
    "invalid-json", 400, "The body is not valid JSON",
    "The body is no JSON text in UTF-8.",
    "Send one JSON object, encoded in UTF-8.",
)
INVALID_CURSOR: Final = ProblemType(
    "invalid-cursor", 400, "The cursor is invalid",
    "The value of `cursor` was not made by this list.",
    "Send the `next` of the page before unchanged, or leave `cursor` out to begin again.",
)
INVALID_KEY: Final = ProblemType(
    "invalid-idempotency-key", 400, "The Idempotency-Key is invalid",
    "The key is empty, too long, or has characters that cannot be printed.",
    "Send 1 to 255 printable characters, such as a UUID.",
)
FOREIGN_HOST: Final = ProblemType(
    "foreign-host", 400, "This host name is not served",
    "The header Host names another site, and ALLOWED_HOSTS does not list it.",
    "Use the address of the site that you were given.",
)
UNSUPPORTED_VERSION: Final = ProblemType(
    "unsupported-version", 400, "This version of the API does not exist here",
    "The header API-Version asks for a version that this installation does not serve.",
    "Send a version that `/openapi.json` names, or leave the header out.",
)
NOT_AUTHENTICATED: Final = ProblemType(
    "not-authenticated", 401, "The credentials are missing or not valid",
    "The call needs an account, or the token is unknown, has expired or was deleted.",
    "Send an API token of your account, as `Authorization: Bearer tht_...`.",
)
TICKET_USED: Final = ProblemType(
    "ticket-used", 401, "The ticket opens no stream any more",
    "It was used, is too old, or its token or sign-in has ended.",
    "Send `POST /thoughts/stream/ticket` for another one, and open the stream with it.",
)
FORBIDDEN: Final = ProblemType(
    "forbidden", 403, "The request is not allowed",
    "The server understood the request and refuses it.",
    "Do what `detail` says; repeating the request unchanged does not help.",
)
INSUFFICIENT_SCOPE: Final = ProblemType(
    "insufficient-scope", 403, "The token may not do this",
    "The token is valid, and lacks the scope that `detail` names.",
    "Create a token that has the scope, at `/account/tokens`.",
)
OTHER_USER: Final = ProblemType(
    "other-user", 403, "This belongs to another user",
    "`user_id` names another user than the one who sends the request.",
    "Leave `user_id` out to act as yourself.",
)
NOT_RECOGNISED: Final = ProblemType(
    "not-recognised", 403, "The request has no valid cookie",
    "Without a cookie its author could not read the thought again. Nothing was stored.",
    "Repeat the request with the cookie that this response sets.",
)
OTHER_SITE: Final = ProblemType(
    "other-site", 403, "The request came from another site",
    "A page of another site made the browser send this request.",
    "Open the page of this site and send it from there.",
)
NOT_FOUND: Final = ProblemType(
    "not-found", 404, "It does not exist",
    "It does not exist, was deleted, or belongs to another user. The answer is the same, so that ids cannot be probed.",
    "Check the address.",
)
METHOD_NOT_ALLOWED: Final = ProblemType(
    "method-not-allowed", 405, "The method is not allowed here",
    "The address exists, but not for this method.",
    "Use one of the methods in the header Allow.",
)
TIMEOUT: Final = ProblemType(
    "request-timeout", 408, "The request took too long to arrive",
    "The headers or the body arrived more slowly than the server waits.",
    "Send the request again over a faster connection.",
)
CONFLICT: Final = ProblemType(
    "conflict", 409, "The present state does not allow it",
    "What the request changes has another state than the request expects.",
    "Read it again and decide.",
)
ALREADY_ENDED: Final = ProblemType(
    "already-ended", 409, "The thought had already ended",
    "Its analysis was completed or had failed before it could be cancelled.",
    "Read the thought; there is nothing left to cancel.",
)
NOT_RETRIABLE: Final = ProblemType(
    "not-retriable", 409, "The thought cannot be retried",
    "It has not failed, or the record of its failure is missing.",
    "Read the thought; submit its text again if it has failed.",
)
TOO_MANY_WEBHOOKS: Final = ProblemType(
    "too-many-webhooks", 409, "The account has as many webhooks as it may have",
    "The number of an account's webhooks is limited.",
    "Delete one first.",
)
PROFILE_CHANGED: Final = ProblemType(
    "profile-changed", 409, "The profile was changed in the meantime",
    "`version` in the body is not the present version of the profile. Nothing was stored.",
    "Read the profile again, apply your change to it, and send its version.",
)
THOUGHT_DELETED: Final = ProblemType(
    "thought-deleted", 410, "The thought of this key was deleted",
    "The Idempotency-Key belongs to a thought that its author has deleted since. Nothing was stored.",
    "Send a new key to submit the text again.",
)
PRECONDITION_FAILED: Final = ProblemType(
    "precondition-failed", 412, "The version in If-Match is not the present one",
    "It was changed since the version that If-Match names. Nothing was stored.",
    "Read it again, apply your change to it, and send its new ETag.",
)
BODY_TOO_LARGE: Final = ProblemType(
    "body-too-large", 413, "The body is too large",
    "The body has more than 256 KiB.",
    "Send less at once.",
)
ADDRESS_TOO_LONG: Final = ProblemType(
    "address-too-long", 414, "The address is too long",
    "The request line has more than about 8,000 characters.",
    "Shorten the query.",
)
UNSUPPORTED_MEDIA_TYPE: Final = ProblemType(
    "unsupported-media-type", 415, "The type of the body is not supported",
    "The header Content-Type is missing or names another type than the call takes.",
    "Send `Content-Type: application/json`.",
)
UNSUPPORTED_EXPECTATION: Final = ProblemType(
    "unsupported-expectation", 417, "The expectation is not supported",
    "The header Expect has another value than 100-continue.",
    "Leave the header out.",
)
INVALID_VALUE: Final = ProblemType(
    "invalid-value", 422, "A value is invalid",
    "The request can be read, but one of its values is not allowed. `detail` begins with its name.",
    "Correct the value and send the request again.",
)
KEY_REUSED: Final = ProblemType(
    "key-reused", 422, "The Idempotency-Key was used for another text",
    "The key belongs to an earlier thought with another text. Nothing was stored.",
    "Send a new key with each new text.",
)
TOO_MANY_REQUESTS: Final = ProblemType(
    "too-many-requests", 429, "Too many requests",
    "A limit on requests is used up.",
    "Wait for the seconds in Retry-After.",
)
TOO_MANY_SEARCHES: Final = ProblemType(
    "too-many-searches", 429, "Too many searches",
    "A search keeps the process busy, so their number is limited.",
    "Repeat the search after the seconds in Retry-After.",
)
HEADERS_TOO_LARGE: Final = ProblemType(
    "headers-too-large", 431, "The headers are too large",
    "All headers together exceed the limit of the server.",
    "Send fewer or smaller headers, such as cookies.",
)
INTERNAL_ERROR: Final = ProblemType(
    "internal-error", 500, "An unexpected error occurred",
    "The server has a defect. It was logged.",
    "Repeat the request with the same Idempotency-Key; if it fails again, tell the operator.",
)
NOT_IMPLEMENTED: Final = ProblemType(
    "not-implemented", 501, "The server does not support this part of HTTP",
    "The body has a transfer coding other than chunked.",
    "Send the body with Content-Length.",
)
UNAVAILABLE: Final = ProblemType(
    "unavailable", 503, "The server cannot answer at the moment",
    "The server has too much to do, or is stopping.",
    "Repeat the request after the seconds in Retry-After, with the same Idempotency-Key.",
)
DATABASE_UNAVAILABLE: Final = ProblemType(
    "database-unavailable", 503, "The database is unavailable",
    "PostgreSQL did not answer. A thought may have been stored although its answer was lost.",
    "Repeat the request after the seconds in Retry-After, with the same Idempotency-Key.",
)
NOT_TRIED: Final = ProblemType(
    "not-tried", 503, "This thought of the batch was not tried",
    "A thought before it could not be stored, and storing this one would change the author's order.",
    "Send this thought and those after it again, in the same order and with the same keys.",
)
TOO_MANY_STREAMS: Final = ProblemType(
    "too-many-streams", 503, "Too many streams are open",
    "This process, or this user, has as many open streams as allowed.",
    "Close other streams, or poll the thought.",
)
SEARCH_UNAVAILABLE: Final = ProblemType(
    "search-unavailable", 503, "The search is not available",
    "The embedding model failed.",
    "Try again later.",
)
UNSUPPORTED_HTTP_VERSION: Final = ProblemType(
    "unsupported-http-version", 505, "The version of HTTP is not supported",
    "The request line names another version than HTTP/1.0 or HTTP/1.1.",
    "Use HTTP/1.1.",
)

# fmt: on

PROBLEM_TYPES: Final = tuple(value for value in list(globals().values()) if isinstance(value, ProblemType))
"""All of them, by status."""

_BY_NAME: Final = {problem.name: problem for problem in PROBLEM_TYPES}
_BY_STATUS: Final = {problem.status: problem for problem in reversed(PROBLEM_TYPES)}
"""The first of each status, which is the most general one."""


def find(name: str) -> ProblemType | None:
    """Return the problem of this name, or None."""
    return _BY_NAME.get(name)


def problem_type(error: HTTPException) -> ProblemType:
    """Return the problem that an error was raised as, or the general one of its status."""
    own = getattr(error, "problem_type", None)
    if isinstance(own, ProblemType):
        return own
    status = error.code or INTERNAL_ERROR.status
    fallback = INTERNAL_ERROR if status >= INTERNAL_ERROR.status else BAD_REQUEST
    return _BY_STATUS.get(status, fallback)
