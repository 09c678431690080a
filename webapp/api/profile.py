"""The JSON calls of the profile: read it, and replace it.

PUT takes what GET returns. Fields that it leaves out become empty. The version says which profile the client edited, so
that two tabs cannot overwrite each other silently; without a version the latest PUT wins.
"""

import re
from typing import Annotated, Any, Final
from uuid import UUID

from flask import Blueprint, Response, request
from pydantic import BeforeValidator, ConfigDict, Field, ValidationError

from webapp import access, bearer
from webapp.api import headers
from webapp.api.requests import UserIdParameter
from webapp.operations import Answer, Operation, Query, described
from webapp.problem_types import (
    INVALID_JSON,
    INVALID_VALUE,
    NOT_RECOGNISED,
    OTHER_USER,
    PRECONDITION_FAILED,
    PROFILE_CHANGED,
    UNSUPPORTED_MEDIA_TYPE,
    ProblemType,
)
from webapp.profile.model import Profile, field_errors
from webapp.profile.store import VersionedProfile, find_profile, replace_profile
from webapp.representations import Representation, json_response
from webapp.services import services
from webapp.users import AccountDeletedError

blueprint = Blueprint("profile", __name__)

MAX_REPORTED_ERRORS: Final = 5
_VERSION: Final = re.compile("[0-9]{1,18}")


class ProfileQuery(Query):
    """Whose profile it is."""

    user_id: UserIdParameter = None


def _whole(value: Any) -> Any:
    """Return a whole number as an integer: JSON does not distinguish 3 from 3.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class NewProfile(Profile):
    """A profile, its user as in a POST of a thought, and the version that it replaces."""

    user_id: UUID | None = None
    version: Annotated[int, Field(ge=0, lt=10**18, strict=True), BeforeValidator(_whole)] | None = None

    @property
    def profile(self) -> Profile:
        return Profile.model_validate({name: getattr(self, name) for name in Profile.model_fields})


class _Identity(Representation):
    user_id: UUID | None = Field(description="null: the request has no user, and the profile is empty.")
    version: int = Field(description="0 before the first change.")


class StoredProfile(Profile, _Identity):
    """A user's profile and its version."""

    model_config = ConfigDict(extra="ignore")


_ANSWER: Final = Answer("The profile.", StoredProfile, headers=(headers.ETAG,))

_SHOW: Final = Operation(
    id="getProfile",
    tag="Profile",
    summary="Read a user's profile",
    description="What the user wrote about themselves, for the agents to read. It is empty before the first change.",
    query=ProfileQuery,
    headers=(headers.IF_NONE_MATCH,),
    answers={200: _ANSWER, 304: headers.UNCHANGED},
    problems=(OTHER_USER, INVALID_VALUE),
)

_REPLACE: Final = Operation(
    id="replaceProfile",
    tag="Profile",
    summary="Replace a user's profile",
    description=(
        "Replaces the profile for later thoughts; fields that are left out become empty. With `version`, or "
        "`If-Match`, nothing is stored when it was changed in the meantime. Repeating the request changes nothing."
    ),
    query=ProfileQuery,
    body=NewProfile,
    headers=(headers.IF_MATCH,),
    answers={200: _ANSWER},
    problems=(
        INVALID_JSON, OTHER_USER, NOT_RECOGNISED, PROFILE_CHANGED, PRECONDITION_FAILED, UNSUPPORTED_MEDIA_TYPE,
        INVALID_VALUE,
    ),
)  # fmt: skip


@blueprint.get("/profile")
@described(_SHOW)
def show() -> Response:
    """Return a user's profile and its version. It is empty, with version 0, before the first change."""
    user_id = access.requested_reader()
    found = find_profile(services().database, user_id) if user_id else _NOTHING_YET
    response = _profile_response(user_id, found)
    response.make_conditional(request)
    return response


@blueprint.put("/profile")
@described(_REPLACE)
def replace() -> Response:
    """Replace a user's profile. Repeating the request, or sending an equal profile, changes nothing."""
    body = _parse_body()
    expected, refusal = _expected_version(body)
    user_id = access.require_author(_requested_author(body))
    try:
        replacement = replace_profile(services().database, user_id, body.profile, expected)
    except AccountDeletedError:
        raise bearer.invalid_token("This account was deleted, so the profile was not stored.") from None
    if not replacement.stored:
        raise refusal.error(
            "The profile was changed in the meantime, by another tab or program: its version is "
            f"{replacement.present.version}, not {expected}. Nothing was stored. Read it again with GET, apply your "
            "change to it, and send that version."
        )
    return _profile_response(user_id, replacement.present)


_NOTHING_YET: Final = VersionedProfile(0, Profile())
"""The profile of a client without a cookie."""


def _profile_response(user_id: UUID | None, found: VersionedProfile) -> Response:
    profile = {name: getattr(found.profile, name) for name in Profile.model_fields}
    response = json_response(StoredProfile(user_id=user_id, version=found.version, **profile))
    response.set_etag(str(found.version))
    response.vary.update(("Authorization", "Cookie"))
    return response


def _parse_body() -> NewProfile:
    if not request.is_json:
        raise UNSUPPORTED_MEDIA_TYPE.error("Send the profile as application/json.")
    try:
        return NewProfile.model_validate_json(request.get_data())
    except ValidationError as invalid:
        first = invalid.errors()[0]
        if first["type"] == "json_invalid":
            raise INVALID_JSON.error(f"The body is not valid JSON: {first['msg']}.") from None
        errors = list(field_errors(invalid).items())[:MAX_REPORTED_ERRORS]
        raise INVALID_VALUE.error(" ".join(f"{name}: {message}." for name, message in errors)) from None


def _expected_version(body: NewProfile) -> tuple[int | None, ProblemType]:
    """Return the version that the client edited, or None for any, and the problem of another present version."""
    header = request.headers.get("If-Match")
    if header is None or request.if_match.star_tag:
        return body.version, PROFILE_CHANGED
    tag = header.strip().strip('"')
    if not _VERSION.fullmatch(tag):
        raise PRECONDITION_FAILED.error('If-Match: this is not a version. Send the ETag of GET /profile, such as "3".')
    if body.version not in {None, int(tag)}:
        raise INVALID_VALUE.error("version: it differs from the version in If-Match. Send one of them.")
    return int(tag), PRECONDITION_FAILED


def _requested_author(body: NewProfile) -> UUID | None:
    """Return the user that the body or the query names, so that neither is ignored."""
    in_query = access.query_user_id()
    if body.user_id and in_query and body.user_id != in_query:
        raise INVALID_VALUE.error("user_id: the body and the query name different users. Send one of them.")
    return body.user_id or in_query
