"""Answers requests that Flask never sees, because their first lines are invalid, too large or too late.

The answers look like those of the application: a problem for programs, a page for browsers, the same security headers.
"""

import re
from collections.abc import Callable
from typing import Final

from flask import Flask
from gunicorn.http import errors
from werkzeug import exceptions
from werkzeug.exceptions import (
    BadRequest,
    ExpectationFailed,
    Forbidden,
    HTTPException,
    HTTPVersionNotSupported,
    InternalServerError,
    RequestHeaderFieldsTooLarge,
    RequestURITooLarge,
)

from webapp.problems import error_response

_ANSWERS: Final[tuple[tuple[type[Exception], Callable[[str], HTTPException], str], ...]] = (
    (errors.LimitRequestLine, RequestURITooLarge, "The address is too long. Shorten it to 8,000 characters or fewer."),
    (
        errors.LimitRequestHeaders,
        RequestHeaderFieldsTooLarge,
        "The headers are too large. If your browser sent them, delete the cookies of this host, also those of "
        "other ports, and try again.",
    ),
    (errors.InvalidHTTPVersion, HTTPVersionNotSupported, "Send the request with HTTP/1.1 or HTTP/1.0."),
    (errors.InvalidRequestMethod, BadRequest, "The method is invalid. Use a method of HTTP, such as GET or POST."),
    (errors.InvalidRequestLine, BadRequest, "The request line is invalid. Send a method, a path and HTTP/1.1."),
    (errors.UnsupportedTransferCoding, exceptions.NotImplemented, "Send the body with Content-Length, or chunked."),
    (errors.ExpectationFailed, ExpectationFailed, "The only supported expectation is 100-continue."),
    (errors.ForbiddenProxyRequest, Forbidden, "Connections from this proxy are not allowed."),
    (errors.InvalidSchemeHeaders, BadRequest, "The headers about the scheme contradict each other."),
    (errors.ObsoleteFolding, BadRequest, "A header is continued on a second line. Send it on one line."),
    (errors.InvalidResponseHeader, InternalServerError, "An unexpected error occurred and was logged."),
    (errors.InvalidResponseHeaderName, InternalServerError, "An unexpected error occurred and was logged."),
    (errors.InvalidHeader, BadRequest, "A header is invalid, or appears twice. Correct it and send the request again."),
    (errors.InvalidHeaderName, BadRequest, "The name of a header is invalid. Use letters, digits and hyphens."),
    (errors.InvalidChunkSize, BadRequest, "The chunks of the body are invalid. Send it with Content-Length."),
    (errors.ConfigurationProblem, InternalServerError, "The server is configured wrongly; see its log."),
    (errors.ParseException, BadRequest, "The request cannot be parsed as HTTP/1.1."),
)
"""The first class that an error belongs to decides its answer. None of the texts repeats what the client sent."""

_ACCEPT: Final = re.compile(rb"\r\naccept:[ \t]*([\x20-\x7e]{0,1000})", re.IGNORECASE)

UNPARSED_PATH: Final = "/unparsed-request"
"""A path without a route: the answer to it depends only on the header Accept."""


def http_error(error: BaseException) -> HTTPException | None:
    """Return the answer to an error of gunicorn or of a connection's deadlines; None when the process is at fault."""
    if isinstance(error, HTTPException):
        return error
    return next((answer(text) for kind, answer, text in _ANSWERS if isinstance(error, kind)), None)


def early_response(app: Flask, error: HTTPException, head: bytes) -> bytes:
    """Return the complete response, which closes the connection. `head` is what arrived of the request."""
    accept = _ACCEPT.search(head)
    headers = {"Accept": accept[1].decode("ascii")} if accept else {}
    with app.test_request_context(UNPARSED_PATH, headers=headers):
        response = app.process_response(error_response(error))
    response.headers["Connection"] = "close"
    response.headers["Content-Length"] = str(len(response.get_data()))
    lines = [f"HTTP/1.1 {response.status}", *(f"{name}: {value}" for name, value in response.headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + response.get_data()
