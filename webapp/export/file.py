"""The file of an export, which is written while it is read."""

from collections.abc import Iterator
from itertools import chain
from typing import Final, Literal

from flask import Response
from werkzeug.exceptions import UnprocessableEntity

from webapp import identity
from webapp.event_recording import record
from webapp.export.data import find_export, json_parts
from webapp.export.markdown import markdown_parts
from webapp.services import services

Format = Literal["json", "markdown"]

_FORMATS: Final = {
    "json": ("application/json", "thoughts.json", json_parts),
    "markdown": ("text/markdown; charset=utf-8", "thoughts.md", markdown_parts),
}


def export_file(name_of_format: str) -> Response | None:
    """Return the file of the request's user, or None when nothing is stored.

    Raises UnprocessableEntity for an unknown format.
    """
    if (chosen := _FORMATS.get(name_of_format)) is None:
        raise UnprocessableEntity("format: choose json or markdown.")
    mimetype, file_name, parts_of = chosen
    user_id = identity.current_user()
    if user_id is None or (found := find_export(services().database, user_id)) is None:
        return None
    record("exported", user_id, format=name_of_format)
    response = Response(_begun(parts_of(found)), content_type=mimetype)
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response


def _begun(parts: Iterator[str]) -> Iterator[str]:
    """Read the first part now, so that an outage is answered with an error and not with a file that is cut off."""
    return chain([next(parts)], parts)
