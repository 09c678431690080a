"""Writes an export as Markdown, for people: each thought as a quotation, with the results of its agents as lists."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from webapp.export.data import ExportedData

_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>#])")
_TITLES: Final = {
    "joined_browsers": "Browsers whose thoughts became the account's",
    "former_profiles": "Former profiles",
    "thoughts": "Thoughts",
    "api_tokens": "API tokens",
    "webhooks": "Webhooks",
    "sign_ins": "Where you are signed in",
    "security_events": "What happened to your account",
}


def markdown_parts(export: ExportedData) -> Iterator[str]:
    """Yield the parts of the document."""
    yield "# Everything that is stored about you\n\n" + _list(export.account)
    for name, entries in export.lists.items():
        yield f"\n## {_TITLES[name]}\n"
        is_empty = True
        for entry in entries:
            is_empty = False
            yield "\n" + (_thought(entry) if name == "thoughts" else _list(entry))
        if is_empty:
            yield "\nNothing.\n"


def _thought(thought: Mapping[str, Any]) -> str:
    quotation = "\n".join(f"> {_escape(line)}".rstrip() for line in thought["text"].splitlines())
    results = [_result(agent) for agent in thought["agents"] if agent["status"] == "completed"]
    head = f"### {thought['created_at']}, {thought['status']}\n\n{quotation}\n"
    error = f"\nIt failed: {_escape(thought['error']['message'])}\n" if thought["error"] else ""
    return head + error + "".join(results)


def _result(agent: Mapping[str, Any]) -> str:
    title = str(agent["name"]).replace("_", " ").capitalize()
    return f"\n#### {title}\n\n{_list(agent['output'])}"


def _list(values: Mapping[str, Any]) -> str:
    return "".join(f"{line}\n" for line in _lines(values, ""))


def _lines(value: Any, indent: str) -> Iterator[str]:
    """Yield the lines of a nested list."""
    pairs = value.items() if isinstance(value, Mapping) else ((None, item) for item in value)
    for name, item in pairs:
        label = "" if name is None else f"**{_escape(str(name).replace('_', ' '))}**: "
        if isinstance(item, Mapping | list | tuple):
            yield f"{indent}- {label}".rstrip()
            yield from _lines(item, f"{indent}  ")
        else:
            yield f"{indent}- {label}{_scalar(item)}".rstrip()


def _scalar(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return _escape(" ".join(str(value).split()))


def _escape(text: Any) -> str:
    """Return a text without markup, so that a thought cannot change the document."""
    return _SPECIAL.sub(r"\\\1", str(text))
