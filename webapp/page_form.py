"""The base of the pages' forms: a FlaskForm that reads what an HTML form sends as text, and nothing else.

Flask-WTF also reads JSON and uploaded files, whose values may be numbers, objects or files where a view expects a text.
"""

from typing import Any

from flask import request
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict


class PageForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A form with a CSRF token, whose values are texts."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]  # Flask-WTF has no types
        """The options of WTForms."""

        def wrap_formdata(self, form: FlaskForm, formdata: Any) -> MultiDict[str, str] | None:
            """Return the fields of the request, or None when it sends none or the caller wants an empty form."""
            if formdata is None or not form.is_submitted():
                return None
            return request.form or None
