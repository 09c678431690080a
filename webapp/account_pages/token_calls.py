"""The JSON calls of the API tokens: list and delete the own ones. Only a person who is signed in creates one, on the
page, so that a stolen token cannot make itself a longer life."""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response

from contracts.database import Row
from webapp import access
from webapp.account_pages.tokens import delete_own
from webapp.accounts import tokens
from webapp.representations import isoformat_utc, json_response
from webapp.services import services

blueprint = Blueprint("tokens", __name__, url_prefix="/tokens")


@blueprint.get("")
def listing() -> Response:
    """Return the account's tokens, the latest first, also the expired ones."""
    found = tokens.list_all(services().database, access.require_account())
    return json_response({"items": [_token(row) for row in found]})


@blueprint.delete("/<uuid:token_id>")
def delete(token_id: UUID) -> Response:
    """Delete a token, also the one of this request. Raises NotFound when the account has none of this id."""
    delete_own(token_id)
    return Response(status=204)


def _token(row: Row) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "name": row.name,
        "scopes": row.scopes,
        "created_at": isoformat_utc(row.created_at),
        "expires_at": isoformat_utc(row.expires_at),
        "last_used_at": isoformat_utc(row.last_used_at),
        "is_expired": row.is_expired,
    }
