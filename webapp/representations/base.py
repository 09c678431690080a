"""What all representations share: how a model becomes JSON, and how a time is written."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any

from flask import Response
from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema


def isoformat_utc(when: datetime | None) -> str | None:
    """Return a time in UTC with microseconds and a Z, or None."""
    return None if when is None else when.astimezone(UTC).isoformat().replace("+00:00", "Z")


UtcTime = Annotated[
    datetime,
    PlainSerializer(isoformat_utc, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A time, written in UTC."""


class Representation(BaseModel):
    """The JSON of an answer. Its members stand in the order of the fields.

    A new member may be added at any time; to remove or change one is a new version of the API.
    """

    model_config = ConfigDict(frozen=True)

    def to_json(self) -> dict[str, Any]:
        """Return JSON-like values. Members that were not set, of those that may be missing, are left out."""
        return self.model_dump(mode="json", exclude_unset=True)


def json_response(value: Representation, status: int = 200) -> Response:
    """Return the representation as a response."""
    return Response(json.dumps(value.to_json(), ensure_ascii=False), status, content_type="application/json")
