"""Reads requests with bytes that no browser sends, for which Werkzeug's properties would raise UnicodeDecodeError."""

import re
from typing import Any, Final

import flask
from werkzeug.datastructures import Authorization
from werkzeug.utils import cached_property

_UNENCODED: Final = re.compile(rb"[\x80-\xff]")


class Request(flask.Request):
    """A request of Flask. The bytes of its query that are no ASCII are percent-encoded, as browsers do."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.query_string = _UNENCODED.sub(lambda byte: b"%%%02X" % ord(byte[0]), self.query_string)

    @cached_property
    def authorization(self) -> Authorization | None:
        """The header Authorization, or None when it is missing or cannot be read."""
        try:
            return super().authorization
        except ValueError:  # the scheme Basic with characters that are not ASCII
            return None
