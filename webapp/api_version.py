"""The version of the API: each answer has it, and a request may say which one it was written for (docs/api.md)."""

from typing import Final

from flask import Flask, Response, current_app, request

from webapp.operations import operation_of
from webapp.problem_types import UNSUPPORTED_VERSION

API_VERSION: Final = "1"
"""Changes when a client that follows docs/api.md could break; additions do not change it."""

DOCUMENT_VERSION: Final = f"{API_VERSION}.0.0"
"""`info.version` of the OpenAPI document. An addition raises the second number, a correction of the text the third."""

HEADER: Final = "API-Version"


def register(app: Flask) -> None:
    """Install the check of the requested version, and the header of every answer of the API."""
    app.before_request(_require_known_version)
    app.after_request(_add_version)


def _is_api() -> bool:
    return request.endpoint is not None and operation_of(current_app.view_functions[request.endpoint]) is not None


def _require_known_version() -> None:
    """Raises an unsupported-version problem."""
    requested = request.headers.get(HEADER, API_VERSION)
    if requested != API_VERSION and _is_api():
        raise UNSUPPORTED_VERSION.error(f"{HEADER}: this installation serves version {API_VERSION} only.")


def _add_version(response: Response) -> Response:
    if _is_api():
        response.headers[HEADER] = API_VERSION
    return response
