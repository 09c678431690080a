"""The error of everything that checks settings, and the lines of its message."""

from typing import Any


class SettingsError(Exception):
    """Raised when settings are missing or wrong. The message has one line per setting and says what to change."""


def describe_setting_error(details: Any) -> str:
    """Return the line for one of pydantic's errors: the setting and what to change, without the value."""
    message = str(details["msg"]).removeprefix("Value error, ")
    if not details["loc"]:
        return message
    name = str(details["loc"][0]).upper()
    if details["type"] == "missing":
        return f"{name}: missing; set it in the environment or in .env (.env.example explains every setting)"
    return f"{name}: {message}"
