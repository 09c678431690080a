"""Puts everything that is stored about a person into one file: as JSON, part by part, so that memory stays bounded."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from contracts.database import Database
from webapp import serializers
from webapp.accounts import personal_data, sign_ins
from webapp.memory import memories_of
from webapp.queries import page_of_thoughts
from webapp.representations import isoformat_utc

PAGE_LENGTH: Final = 50
"""Thoughts that are read at once; a page is also limited in bytes."""


@dataclass(frozen=True, slots=True)
class ExportedData:
    """What is stored about a person. The lists are read from PostgreSQL while they are written."""

    account: Mapping[str, Any]
    lists: Mapping[str, Iterable[Mapping[str, Any]]]
    """By the name of the section."""


def find_export(database: Database, user_id: UUID) -> ExportedData | None:
    """Return everything about a person, or None when nothing is stored. Raises SQLAlchemyError, also while it is read.

    API tokens, sign-ins and links are described without what they open; the password's hash is left out.
    """
    person = personal_data.find_person(database, user_id)
    if person is None:
        return None
    account = {
        "exported_at": datetime.now(UTC),
        "user_id": person.id,
        "email": person.email,
        "created_at": person.created_at,
        "profile": _profile(person.profile_version, person.profile),
    }
    lists = {
        "joined_browsers": [_joined(fields) for fields in personal_data.joined_browsers(database, user_id)],
        "former_profiles": personal_data.former_profiles(database, user_id),
        "thoughts": _thoughts(database, user_id),
        "api_tokens": personal_data.tokens(database, user_id),
        "webhooks": personal_data.webhooks(database, user_id),
        "sign_ins": [_without_id(row._asdict()) for row in sign_ins.sign_ins_of(database, user_id)],
        "security_events": personal_data.security_events(database, user_id),
    }
    return ExportedData(account, lists)


def json_parts(export: ExportedData) -> Iterator[str]:
    """Yield the parts of one JSON object, with one entry of a list per line."""
    yield json.dumps(export.account, default=_plain, ensure_ascii=False)[:-1]
    for name, entries in export.lists.items():
        yield f', "{name}": ['
        for number, entry in enumerate(entries):
            yield (",\n" if number else "\n") + json.dumps(entry, default=_plain, ensure_ascii=False)
        yield "]"
    yield "}\n"


def _thoughts(database: Database, user_id: UUID) -> Iterator[dict[str, Any]]:
    """Yield the thoughts with their results, the latest first."""
    position = None
    while True:
        page, position = page_of_thoughts(database, user_id, limit=PAGE_LENGTH, after=position)
        yield from (thought.to_json() for thought in serializers.thoughts(page, memories_of(database, page)))
        if position is None:
            return


def _joined(fields: dict[str, Any]) -> dict[str, Any]:
    profile = _profile(fields.pop("profile_version"), fields.pop("profile"))
    return fields | {"profile": profile}


def _profile(version: int, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"version": version, **fields}


def _without_id(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != "id"}


def _plain(value: Any) -> Any:
    return isoformat_utc(value) if isinstance(value, datetime) else str(value)
