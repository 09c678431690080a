"""The page of the API tokens: create one, which is shown once, and delete the ones that are there."""

from uuid import UUID

from flask import Blueprint, Response, flash, redirect, url_for
from werkzeug.wrappers import Response as BaseResponse

from webapp import access
from webapp.account_pages.support import confirm_password, render, require_account
from webapp.account_pages.token_form import TokenForm
from webapp.accounts import tokens
from webapp.accounts.scopes import Scope
from webapp.accounts.tokens import NewToken
from webapp.csrf import form_checks_token
from webapp.event_recording import record
from webapp.problem_types import NOT_FOUND
from webapp.services import services

blueprint = Blueprint("tokens", __name__, url_prefix="/tokens")


@blueprint.get("")
def show() -> Response:
    """Show the account's tokens and the form for another one."""
    return _page(TokenForm())


@blueprint.post("")
@form_checks_token
def create() -> Response:
    """Create a token. The answer is the only page that shows it, so it does not redirect to another one.

    A person who signed in more than an hour ago also enters the password: a token outlasts the sign-in, so a browser
    that was left open must not be enough to make one.
    """
    form, account = TokenForm(), require_account()
    if not form.validate_on_submit() or not (account.is_fresh or confirm_password(form, account)):
        return _page(form)
    user_id, scopes = account.user_id, [Scope(scope) for scope in form.scopes.data]
    token = tokens.create(services().database, user_id, form.name.data, scopes, form.days.data)
    if token is None:
        form.name.errors = [f"You have {tokens.MAX_TOKENS} tokens, which is the limit. Delete one first."]
        return _page(form)
    details = {"token_id": str(token.id), "name": form.name.data, "scopes": form.scopes.data}
    record("token-created", user_id, **details)
    return _page(TokenForm(formdata=None), token)


@blueprint.post("/<uuid:token_id>/delete")
def delete(token_id: UUID) -> BaseResponse:
    """Delete a token of the account. Raises NotFound when the account has none of this id."""
    name = delete_own(token_id)
    flash(f"The token {name} was deleted. Programs that use it are refused from now on.")
    return redirect(url_for("account.tokens.show"), 303)


def delete_own(token_id: UUID) -> str:
    """Delete a token of the request's account and return its name. Raises NotFound when the account has no such one."""
    user_id = access.require_account()
    name = tokens.delete(services().database, user_id, token_id)
    if name is None:
        raise NOT_FOUND.error("This token does not exist, or it belongs to another account.")
    details = {"token_id": str(token_id), "name": name}
    record("token-deleted", user_id, **details)
    return name


def _page(form: TokenForm, created: NewToken | None = None) -> Response:
    account = require_account()
    found = tokens.list_all(services().database, account.user_id)
    return render("tokens.html", form, account=account, tokens=found, created=created)
