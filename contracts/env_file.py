"""Reads `.env` for the checks before the settings are loaded, and says what to do when it is not UTF-8 text."""

from io import StringIO
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

from contracts.setting_errors import SettingsError

ENCODING: Final = "utf-8-sig"
"""UTF-8; some editors write a mark at the beginning, which would be a part of the first name."""


def read_env_file(path: str | Path) -> dict[str, str | None]:
    """Return the names and values of a file, or none when there is no such file. Raises SettingsError."""
    file = Path(path)
    if not file.is_file():
        return {}
    try:
        content = file.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); correct its permissions") from None
    try:
        text = content.decode(ENCODING)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise SettingsError(_describe(path, f"line {line} is not UTF-8")) from None
    if "\0" in text:
        raise SettingsError(_describe(path, "it is UTF-16, or no text"))
    return dotenv_values(stream=StringIO(text))


def _describe(path: str | Path, reason: str) -> str:
    return f"{path}: {reason}; save it as UTF-8, in an editor or with iconv (iconv -f LATIN1 -t UTF-8, or -f UTF-16)"
