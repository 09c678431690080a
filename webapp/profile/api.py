"""The JSON calls of the profile: read it, and replace it.

PUT takes what GET returns. Fields that it leaves out become empty. The version says which profile the client edited, so
that two tabs cannot overwrite each other silently; without a version the latest PUT wins.
"""

import re
from typing import Annotated, Any, Final
from uuid import UUID

from flask import Blueprint, Response, request
from pydantic import Field, ValidationError
from werkzeug.exceptions import BadRequest, Conflict, PreconditionFailed, UnprocessableEntity, UnsupportedMediaType

from webapp import access
from webapp.profile.model import Profile, field_errors
from webapp.profile.store import VersionedProfile, find_profile, replace_profile
from webapp.serializers import json_response
from webapp.services import services

blueprint = Blueprint("profile", __name__)

MAX_REPORTED_ERRORS: Final = 5
_VERSION: Final = re.compile("[0-9]{1,18}")


class NewProfile(Profile):
    """The body of a PUT: a profile, its user as in a POST of a thought, and the version that it replaces."""

    user_id: UUID | None = None
    version: Annotated[int, Field(ge=0, lt=10**18, strict=True)] | None = None

    @property
    def profile(self) -> Profile:
        return Profile.model_validate({name: getattr(self, name) for name in Profile.model_fields})


@blueprint.get("/profile")
def show() -> Response:
    """Return a user's profile and its version. It is empty, with version 0, before the first change."""
    user_id = access.requested_reader()
    return _profile_response(user_id, find_profile(services().database, user_id) if user_id else _NOTHING_YET)


@blueprint.put("/profile")
def replace() -> Response:
    """Replace a user's profile. Repeating the request, or sending an equal profile, changes nothing."""
    body = _parse_body()
    expected, refusal = _expected_version(body)
    user_id = access.require_author(_requested_author(body))
    replacement = replace_profile(services().database, user_id, body.profile, expected)
    if not replacement.stored:
        raise refusal(
            "The profile was changed in the meantime, by another tab or program: its version is "
            f"{replacement.present.version}, not {expected}. Nothing was stored. Read it again with GET, apply your "
            "change to it, and send that version."
        )
    return _profile_response(user_id, replacement.present)


_NOTHING_YET: Final = VersionedProfile(0, Profile())
"""The profile of a client without a cookie."""


def _profile_response(user_id: UUID | None, found: VersionedProfile) -> Response:
    identity = {"user_id": user_id and str(user_id), "version": found.version}
    response = json_response(identity | found.profile.to_json())
    response.set_etag(str(found.version))
    return response


def _parse_body() -> NewProfile:
    if not request.is_json:
        raise UnsupportedMediaType("Send the profile as application/json.")
    try:
        return NewProfile.model_validate_json(request.get_data())
    except ValidationError as invalid:
        first = invalid.errors()[0]
        if first["type"] == "json_invalid":
            raise BadRequest(f"The body is not valid JSON: {first['msg']}.") from None
        errors = list(field_errors(invalid).items())[:MAX_REPORTED_ERRORS]
        raise UnprocessableEntity(" ".join(f"{name}: {message}." for name, message in errors)) from None


def _expected_version(body: NewProfile) -> tuple[int | None, Any]:
    """Return the version that the client edited, or None for any, and the error for another present version."""
    header = request.headers.get("If-Match")
    if header is None or request.if_match.star_tag:
        return body.version, Conflict
    tag = header.strip().strip('"')
    if not _VERSION.fullmatch(tag):
        raise PreconditionFailed('If-Match: this is not a version. Send the ETag of GET /profile, such as "3".')
    if body.version not in {None, int(tag)}:
        raise UnprocessableEntity("version: it differs from the version in If-Match. Send one of them.")
    return int(tag), PreconditionFailed


def _requested_author(body: NewProfile) -> UUID | None:
    """Return the user that the body or the query names, so that neither is ignored."""
    in_query = access.query_user_id()
    if body.user_id and in_query and body.user_id != in_query:
        raise UnprocessableEntity("user_id: the body and the query name different users. Send one of them.")
    return body.user_id or in_query
