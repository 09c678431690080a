"""Shows the API to people: `/docs` with a viewer of the OpenAPI document, and `/problems` with every problem."""

import json
from typing import Any, Final

from flask import Blueprint, Flask, Response, current_app, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from webapp import problem_types
from webapp.api.document import openapi_document
from webapp.problem_types import NOT_FOUND, PROBLEM_TYPES

blueprint = Blueprint("docs", __name__)

PUBLIC: Final = "public, max-age=300"
"""The document is the same for everyone; a new release is seen within five minutes."""


@blueprint.get("/openapi.json")
def document() -> Response:
    """Return the OpenAPI document."""
    response = Response(_document_json(_application()), content_type="application/json")
    response.headers["Cache-Control"] = PUBLIC
    response.add_etag()
    response.make_conditional(request)
    return response


@blueprint.get("/docs")
def viewer() -> Response:
    """Show the document in a viewer, or with links to it where no script runs."""
    return make_response(render_template("docs.html"))


@blueprint.get("/problems")
def problems() -> Response:
    """Describe every problem that the API answers with."""
    return make_response(render_template("problems.html", problems=PROBLEM_TYPES))


@blueprint.get("/problems/<name>")
def problem(name: str) -> BaseResponse:
    """Lead from the `type` of a problem to its description."""
    if problem_types.find(name) is None:
        raise NOT_FOUND.error("There is no problem of this name.")
    return redirect(url_for("docs.problems", _anchor=name), 302)


def _application() -> Flask:
    application: Any = current_app
    found: Flask = application._get_current_object()  # noqa: SLF001  a proxy's own name
    return found


def _document_json(app: Flask) -> str:
    """Return the document's JSON, which is made once for each application."""
    if "openapi" not in app.extensions:
        app.extensions["openapi"] = json.dumps(openapi_document(app), ensure_ascii=False)
    return str(app.extensions["openapi"])
