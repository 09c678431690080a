"""Makes for each role the client that acts in it, and the things that its requests are about."""

from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient

from contracts.database import Database
from tests.webapp.access import actors
from tests.webapp.access.actors import Owned
from tests.webapp.access.roles import INVALID_TOKENS, SCOPES, Role
from webapp.accounts import tokens


def client_in_role(app: Flask, database: Database, role: Role) -> tuple[FlaskClient, Owned]:
    """Return a client, and the things of the owner: of the client's own user where the role is an owner's."""
    if role is Role.OWNER_BY_COOKIE:
        owned = actors.visitor_with_things(app)
        return actors.visitor(app, owned.user_id), owned
    owned = actors.account_with_things(app, database)
    if role is Role.OTHER_TOKEN:
        return _with_token_of(app, database, actors.account_with_things(app, database).user_id, role), owned
    if role is Role.ADMINISTRATORS_TOKEN:
        return _with_token_of(app, database, actors.add_account(database, is_admin=True), role), owned
    if role in SCOPES:
        return _with_token_of(app, database, owned.user_id, role), owned
    if role in INVALID_TOKENS:
        return _with_invalid_token(app, database, owned, role), owned
    return _with_cookie(app, database, owned, role), owned


def _with_cookie(app: Flask, database: Database, owned: Owned, role: Role) -> FlaskClient:
    match role:
        case Role.NOBODY:
            return actors.nobody(app)
        case Role.ELSEWHERE:
            return actors.elsewhere(app)
        case Role.FORMER_VISITOR:
            return actors.visitor(app, owned.user_id)
        case Role.DISABLED_OWNER:
            return actors.disabled(app, database, owned.user_id)
        case Role.OWNER_BY_SIGN_IN:
            return actors.signed_in(app, database, owned.user_id)
        case Role.OTHER_ACCOUNT:
            return actors.signed_in(app, database, actors.add_account(database))
        case Role.ADMINISTRATOR:
            return actors.signed_in(app, database, actors.add_account(database, is_admin=True))
        case Role.STALE_ADMINISTRATOR:
            return actors.stale_administrator(app, database)
        case _:
            return actors.visitor(app)


def _with_token_of(app: Flask, database: Database, user_id: UUID, role: Role) -> FlaskClient:
    return actors.with_token(app.test_client(), actors.new_token(database, user_id, SCOPES[role]))


def _with_invalid_token(app: Flask, database: Database, owned: Owned, role: Role) -> FlaskClient:
    """Return a client that also has the cookie of a sign-in, which must not help it."""
    client, token = actors.signed_in(app, database, owned.user_id), actors.new_token(database, owned.user_id)
    if role is Role.EXPIRED_TOKEN:
        database.rows(actors.EXPIRE_TOKEN, id=token.id)
    elif role is Role.DELETED_TOKEN:
        tokens.delete(database, owned.user_id, token.id)
    elif role is Role.TOKEN_OF_DISABLED_USER:
        database.rows(actors.DISABLE_USER, id=owned.user_id)
    else:
        database.rows(actors.DELETE_USER, id=owned.user_id)
    return actors.with_token(client, token)
