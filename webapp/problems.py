"""Errors as answers: `application/problem+json` (RFC 9457) for programs, a page for people, never a stack trace.

400  the request cannot be read: no JSON, a bad header, a bad cursor
403  it is not yours
404  there is no such thing, or none that you may know of
410  the thought of this Idempotency-Key was deleted
413, 415  too large, or of a type that is not understood
422  it can be read, but a value in it cannot be taken
503  PostgreSQL is unavailable or all streams are taken; Retry-After says when to come again
"""

import json
import logging
from typing import Any

from flask import Flask, Response, render_template, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, InternalServerError, ServiceUnavailable, UnprocessableEntity

from contracts.database import is_refused_data

log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5
FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


def problem(status: int, title: str, detail: str, **members: Any) -> Response:
    """An answer of type problem+json."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **members}
    return Response(json.dumps(body), status, content_type="application/problem+json")


def register(app: Flask) -> None:
    """Answer every error of the application."""
    app.register_error_handler(HTTPException, answer)
    app.register_error_handler(SQLAlchemyError, _answer_database)
    app.register_error_handler(Exception, _answer_unexpected)


def answer(error: HTTPException) -> Response:
    """The answer to an HTTP error, in the form that the asker reads."""
    status, title = error.code or 500, error.name
    if asked_by_person():
        again = getattr(error, "retry_after", None) if request.method == "GET" else None
        page = render_template("error.html", status=status, title=title, detail=error.description, again=again)
        response = Response(page, status)
    else:
        response = problem(status, title, error.description or title)
    return with_headers(response, error)


def with_headers(response: Response, error: HTTPException) -> Response:
    """The answer with what the error says beside its text, such as Retry-After."""
    for name, value in error.get_headers():
        if name.lower() not in {"content-type", "content-length"}:
            response.headers[name] = value
    return response


def asked_by_person() -> bool:
    """Whether a page answers better than JSON: a form or a page was asked for, or an unknown address by a browser."""
    if request.blueprint == "pages":
        return True
    if request.endpoint in {"thoughts.create", "thoughts.delete_by_form"}:
        return request.mimetype in FORM_TYPES
    return request.endpoint in {None, "static"} and request.accept_mimetypes.quality("text/html") > max(
        request.accept_mimetypes.quality("application/json"), request.accept_mimetypes.quality("text/plain")
    )


def unavailable(detail: str) -> ServiceUnavailable:
    """A 503 that says when to come again."""
    return ServiceUnavailable(detail, retry_after=RETRY_AFTER_SECONDS)


def database_problem(error: SQLAlchemyError) -> HTTPException:
    """The HTTP error of a failed statement: the value cannot be stored, or PostgreSQL is unavailable (logged)."""
    if is_refused_data(error):
        return UnprocessableEntity("The database cannot keep this value.")
    log.error("PostgreSQL is unavailable: %s", error)
    return unavailable("The database is unavailable at the moment. Nothing was lost; please try again in a moment.")


def _answer_database(error: SQLAlchemyError) -> Response:
    return answer(database_problem(error))


def _answer_unexpected(error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return answer(InternalServerError("Something went wrong here. It was logged."))
