"""Formats the log lines of every process alike: time, level, message, logger, and the ids as fields.

Ids are passed as `extra={"thought_id": ...}`. LOG_FORMAT=text prints them as `thought_id=...` after the message,
LOG_FORMAT=json as members of the line's object. Values that may be secret are never logged.

A record may quote other systems, models and clients. What is not printable is escaped, so that a quoted text neither
starts a line nor commands the terminal that shows it. (A traceback has several lines, also those of its message.)
"""

import io
import logging
from collections.abc import MutableMapping
from typing import Any, Final, Literal, TextIO
from uuid import UUID

import structlog

from contracts.visible_text import escape_control_chars

LogFormat = Literal["text", "json"]

PACKAGES: Final = ("bridge", "tasks", "webapp", "contracts", "agents")
"""The packages whose records are logged from INFO on."""


def configure_logging(log_format: LogFormat) -> None:
    """Write log records to standard error, one line each: from INFO on for this project, from WARNING for libraries."""
    handler = logging.StreamHandler()
    handler.setFormatter(_formatter(log_format))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    for name in PACKAGES:
        logging.getLogger(name).setLevel(logging.INFO)


def _formatter(log_format: LogFormat) -> logging.Formatter:
    fields: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        _ids_as_text,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=fields,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(log_format)],
    )


def _ids_as_text(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: str(value) if isinstance(value, UUID) else value for name, value in event.items()}


def _escaped(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: escape_control_chars(value) if isinstance(value, str) else value for name, value in event.items()}


def _write_traceback(stream: TextIO, exc_info: Any) -> None:
    lines = io.StringIO()
    structlog.dev.plain_traceback(lines, exc_info)
    stream.write("\n".join(map(escape_control_chars, lines.getvalue().split("\n"))))


def _renderers(log_format: LogFormat) -> list[Any]:
    if log_format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
    console = structlog.dev.ConsoleRenderer(
        colors=False, pad_event_to=0, pad_level=False, exception_formatter=_write_traceback
    )
    return [_escaped, console]
