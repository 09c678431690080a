"""GET /export: everything that is stored about the account, as one file for programs."""

from typing import Annotated, Final, get_args

from flask import Blueprint, Response
from pydantic import BeforeValidator, Field

from webapp.api.requests import invalid, requested
from webapp.export.file import Format, export_file
from webapp.operations import Answer, Operation, Query, described
from webapp.problem_types import INVALID_VALUE, NOT_FOUND
from webapp.representations import Export

blueprint = Blueprint("exports", __name__)


def _format(value: str) -> str:
    if value not in get_args(Format):
        raise invalid(f"choose {' or '.join(get_args(Format))}")
    return value


class ExportQuery(Query):
    """What the file is."""

    format: Annotated[Format, BeforeValidator(_format), Field(description="For programs, or for people.")] = "json"


_EXPORT: Final = Operation(
    id="exportAccount",
    tag="Export",
    summary="Export everything that is stored about the account",
    description=(
        "Returns one file, which is written while it is read: with the thoughts and their results, the profiles, and "
        "what happened to the account. No secret is in it."
    ),
    query=ExportQuery,
    answers={200: Answer("The file.", Export, text_type="text/markdown")},
    problems=(NOT_FOUND, INVALID_VALUE),
)


@blueprint.get("/export")
@described(_EXPORT)
def export_call() -> Response:
    """Return the file. Raises NotFound when the account was deleted at this moment."""
    if (answer := export_file(requested(ExportQuery).format)) is None:
        raise NOT_FOUND.error("Nothing is stored about this user.")
    return answer
