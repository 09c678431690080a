"""Access rules: a visitor sees and changes only what is theirs; with TRUST_USER_ID every client acts for every user.

An API token acts for its account alone, whatever TRUST_USER_ID says. Who may call which route at all is in
`webapp.access_rules`.
"""

from uuid import UUID

from flask import request
from werkzeug.exceptions import HTTPException

from webapp import bearer, deletion, refusal_log
from webapp.accounts.scopes import Scope
from webapp.identity import account_id, current_user, ensure_user, required_token
from webapp.ids import parse_id
from webapp.problem_types import INVALID_VALUE, NOT_FOUND, NOT_RECOGNISED, OTHER_USER
from webapp.problems import FORM_TYPES
from webapp.queries import Thought, find_thought
from webapp.services import services
from webapp.versions import version_of_thought


def may_act_for(user_id: UUID) -> bool:
    """Return whether the client may read and change what belongs to this user. The log gets a refusal."""
    if trusts_every_client() or current_user() == user_id:
        return True
    refusal_log.note("it is about what belongs to another user")
    return False


def trusts_every_client() -> bool:
    """Return whether the client may act for every user, which no client with a token may."""
    return services().settings.trust_user_id and not bearer.is_sent()


def may_read() -> bool:
    """Return whether the answer to a change may hold texts and results: not for a token without the scope `read`."""
    return not bearer.is_sent() or Scope.READ in required_token().scopes


def requested_reader() -> UUID | None:
    """Return the user whose data the request reads: `user_id` of the query, or the cookie's user, or None.

    An empty parameter counts as absent. Raises UnprocessableEntity, or Forbidden when the client may not act for them.
    """
    user_id = query_user_id()
    if user_id is None:
        return current_user()
    if not may_act_for(user_id):
        raise OTHER_USER.error("user_id: you cannot read what belongs to another user. Leave it out to read your own.")
    return user_id


def query_user_id() -> UUID | None:
    """Return the `user_id` of the query, or None. Raises UnprocessableEntity when it is no UUID."""
    value = request.args.get("user_id")
    try:
        return parse_id(value) if value else None
    except ValueError:
        raise INVALID_VALUE.error("user_id: send a UUID.") from None


def require_author(user_id: UUID | None) -> UUID:
    """Return the user that the request writes for: the requested one, or the cookie's.

    Raises Forbidden when the client may not act for them, or when nobody could be recognised later.
    """
    if user_id is None:
        return require_visitor()
    if not may_act_for(user_id):
        raise OTHER_USER.error("user_id: this is another user. Leave it out to write as yourself.")
    return user_id


def require_visitor() -> UUID:
    """Return the signed-in or the cookie's user, who is new when the request has no cookie and TRUST_USER_ID is on.

    Otherwise only the cookie can show what was written to its author again, so a request without a valid one is
    refused: its client keeps no cookies, or has one of a former key. The response sets a cookie, so that a client which
    keeps it can repeat the request. Raises Forbidden.
    """
    is_known = current_user() is not None
    user_id = ensure_user()
    if is_known or services().settings.trust_user_id:
        return user_id
    raise NOT_RECOGNISED.error(_no_cookie_text())


def _no_cookie_text() -> str:
    if request.mimetype not in FORM_TYPES:
        return (
            "The request has no valid cookie, so nobody could read again what it writes. Nothing was stored. Repeat it "
            "with the cookie that this response sets, and send that with every request (curl: --cookie jar "
            "--cookie-jar jar)."
        )
    other_address = "" if request.is_secure else " If you used this site with https:// before, open that address."
    return (
        "Your browser sent no valid cookie, so this site could not show you later what you wrote. Nothing was stored. "
        f"Allow cookies for this site, then send it again.{other_address}"
    )


def require_account() -> UUID:
    """Return the account of the request's token or sign-in. Raises Unauthorized when it has none."""
    account = account_id()
    if account is None:
        raise bearer.missing_credentials()
    return account


def require_readable(thought_id: UUID) -> Thought:
    """Return the thought.

    Raises NotFound when it does not exist, and also when it belongs to another user, so that ids cannot be probed.
    """
    thought = find_thought(services().database, thought_id)
    if thought is None or not may_act_for(thought.row.user_id):
        raise _not_found()
    return thought


def require_readable_version(thought_id: UUID) -> str:
    """Return the digest of the thought's version. Raises NotFound as `require_readable` does."""
    version = version_of_thought(services().database, thought_id)
    if version is None or not may_act_for(version.user_id):
        raise _not_found()
    return version.digest


def require_deletable(thought_id: UUID) -> UUID:
    """Return the owner of a thought that the client may delete or has already deleted. Raises NotFound otherwise."""
    owner = deletion.owner_of(services().database, thought_id)
    if owner is None or not may_act_for(owner):
        raise _not_found()
    return owner


def _not_found() -> HTTPException:
    return NOT_FOUND.error("This thought does not exist, or it belongs to another user.")
