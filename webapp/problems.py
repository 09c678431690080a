"""Turns errors into responses: `application/problem+json` (RFC 9457) for programs, a page for people.

Which problems there are, with their statuses, is in `webapp.problem_types`. No response contains a stack trace.
"""

import json
import logging

from flask import Flask, Response, render_template, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, InternalServerError

from contracts.database import database_trouble, is_rejected_data
from contracts.trouble_log import log_trouble
from webapp.problem_types import DATABASE_UNAVAILABLE, INVALID_VALUE, UNAVAILABLE, ProblemType, problem_type
from webapp.representations import Problem

log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5
PAGES = frozenset({"pages", "profile_page", "account", "webhook_pages", "security_log", "admin", "docs"})
"""The blueprints of pages."""

FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


def as_problem(error: HTTPException) -> Problem:
    """Return what programs get of an error."""
    kind = problem_type(error)
    status = error.code or kind.status
    return Problem(type=kind.uri, title=kind.title, status=status, detail=error.description or kind.title)


def register(app: Flask) -> None:
    """Install the error handlers of the application."""
    app.register_error_handler(HTTPException, error_response)
    app.register_error_handler(SQLAlchemyError, _database_error_response)
    app.register_error_handler(Exception, _unexpected_error_response)


def error_response(error: HTTPException) -> Response:
    """Return the response to an HTTP error: a page for people, a problem for programs."""
    status, title = error.code or 500, error.name
    if _expects_page():
        reload_after = getattr(error, "retry_after", None) if request.method == "GET" else None
        page = render_template(
            "error.html", status=status, title=title, detail=error.description, reload_after=reload_after
        )
        response = Response(page, status)
    else:
        response = Response(json.dumps(as_problem(error).to_json()), status, content_type="application/problem+json")
    return copy_headers(error, response)


def copy_headers(error: HTTPException, response: Response) -> Response:
    """Copy the headers of the error, such as Retry-After, to the response and return it."""
    for name, value in error.get_headers():
        if name.lower() not in {"content-type", "content-length"}:
            response.headers[name] = value
    return response


def _expects_page() -> bool:
    """Return whether the client expects a page: it requested a page, sent a form, or is a browser at an unknown URL.

    A client with an Authorization header, a program, gets a page only when it prefers one.
    """
    if "Authorization" in request.headers:
        return _prefers_page()
    if not PAGES.isdisjoint(request.blueprints):
        return True
    if request.endpoint in {"thoughts.create", "thoughts.delete_by_form"} or request.blueprint == "thought_actions":
        return request.mimetype in FORM_TYPES
    return request.endpoint in {None, "static"} and _prefers_page()


def _prefers_page() -> bool:
    return request.accept_mimetypes.quality("text/html") > max(
        request.accept_mimetypes.quality("application/json"), request.accept_mimetypes.quality("text/plain")
    )


def service_unavailable(detail: str, problem: ProblemType = UNAVAILABLE) -> HTTPException:
    """Return a 503 error with a Retry-After header."""
    return problem.error(detail, retry_after=RETRY_AFTER_SECONDS)


def database_problem(error: SQLAlchemyError) -> HTTPException:
    """Return the HTTP error of a failed statement: 422 for a value that cannot be stored, 503 otherwise (logged)."""
    if is_rejected_data(error):
        return INVALID_VALUE.error("The database cannot store a value of this request. Change it and try again.")
    log_trouble(log, database_trouble(error), "the request is answered with 503")
    text = "The database is unavailable at the moment. Nothing was lost; try again in a moment."
    return service_unavailable(text, DATABASE_UNAVAILABLE)


def _database_error_response(error: SQLAlchemyError) -> Response:
    return error_response(database_problem(error))


def _unexpected_error_response(error: Exception) -> Response:
    log.error("%s %s failed, the request is answered with 500", request.method, request.path, exc_info=error)
    return error_response(InternalServerError("An unexpected error occurred and was logged. Try again in a moment."))
