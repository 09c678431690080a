"""The page of the profile: a form that works without JavaScript, and what the user's thoughts used lately."""

import re
from typing import Any, Final
from uuid import UUID

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import Conflict, Forbidden, HTTPException, UnprocessableEntity
from werkzeug.wrappers import Response as BaseResponse

from agents.catalogue import CATALOGUE
from webapp import access, identity
from webapp.csrf import RESEND, OutdatedFormError
from webapp.pages.usage_texts import describe_cost, describe_tokens
from webapp.problems import copy_headers, database_problem
from webapp.profile import form
from webapp.profile.model import Profile, field_errors, time_zones
from webapp.profile.store import find_profile, replace_profile
from webapp.services import services
from webapp.usage import usage_per_day
from webapp.users import AccountDeletedError

blueprint = Blueprint("profile_page", __name__)

USAGE_DAYS: Final = 30
_VERSION: Final = re.compile("[0-9]{1,18}")
_UNKNOWN_VERSION: Final = -1
"""Stands for a version that the page did not write; no profile has it, so nothing is overwritten."""


@blueprint.get("/profile/edit")
def edit() -> Response:
    """Show the visitor's profile in a form, and what their thoughts used."""
    user_id = identity.ensure_user()
    found = find_profile(services().database, user_id)
    context = {
        "is_empty": found.profile == Profile(),
        "readers": [agent for agent in CATALOGUE.agents if agent.reads_profile],
        "usage": usage_per_day(services().database, user_id, USAGE_DAYS),
        "describe_tokens": describe_tokens,
        "describe_cost": describe_cost,
    }
    return make_response(_render(form.written_texts(found.profile), found.version, **context))


@blueprint.post("/profile/edit")
def save() -> BaseResponse:
    """Store the form. Every error is answered with the form and what was written, so that no person loses theirs."""
    written, version = _written_form()
    try:
        user_id = access.require_visitor()
    except Forbidden as error:
        return _rerender(written, version, error)
    try:
        profile = Profile.model_validate(form.profile_values(written))
    except ValidationError as invalid:
        errors = field_errors(invalid)
        problem = UnprocessableEntity("Your profile was not saved. Please correct the marked fields.")
        return _rerender(written, version, problem, errors=errors)
    try:
        return _store(user_id, profile, written, version)
    except AccountDeletedError as error:
        return _rerender(written, version, UnprocessableEntity(f"Your profile was not saved: {error}."))
    except SQLAlchemyError as error:
        return _rerender(written, version, database_problem(error))


@blueprint.errorhandler(OutdatedFormError)
def show_form_again(_: OutdatedFormError) -> Response:
    """Return a refused form with what was written and a fresh token."""
    return _rerender(*_written_form(), Forbidden(RESEND))


def _written_form() -> tuple[dict[str, str], int]:
    written = {field.name: request.form.get(field.name, "").replace("\r\n", "\n") for field in form.FIELDS}
    return written, _written_version()


def _store(user_id: UUID, profile: Profile, written: dict[str, str], version: int) -> BaseResponse:
    replacement = replace_profile(services().database, user_id, profile, version)
    if not replacement.stored:
        return _rerender(written, replacement.present.version, Conflict(_CHANGED_ELSEWHERE), is_conflict=True)
    flash("Your profile was saved. It applies to the thoughts that you write from now on.")
    return redirect(url_for("profile_page.edit"), 303)


_CHANGED_ELSEWHERE: Final = (
    "Your profile was changed in another tab since you opened this page, so nothing was saved. Below is what you "
    "wrote: save it again to replace the other version."
)


def _written_version() -> int:
    value = request.form.get("version", "")
    return int(value) if _VERSION.fullmatch(value) else _UNKNOWN_VERSION


def _rerender(written: dict[str, str], version: int, error: HTTPException, **context: Any) -> Response:
    """Return the form with what was written and the error. It queries no server: the error may be an outage."""
    page = _render(written, version, error=error.description, **context)
    return copy_headers(error, make_response(page, error.code))


def _render(written: dict[str, str], version: int, **context: Any) -> str:
    return render_template(
        "profile.html",
        fields=form.FIELDS,
        written=written,
        version=version,
        list_limits=form.LIST_LIMITS,
        time_zones=[name for name in time_zones().values() if name == "UTC" or "/" in name],
        **context,
    )
