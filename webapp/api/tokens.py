"""The JSON calls of the API tokens: list and delete the own ones. Only a person who is signed in creates one, on the
page, so that a stolen token cannot make itself a longer life."""

from typing import Final
from uuid import UUID

from flask import Blueprint, Response

from webapp import access
from webapp.account_pages.tokens import delete_own
from webapp.accounts import tokens
from webapp.operations import Answer, Operation, described
from webapp.problem_types import NOT_FOUND
from webapp.representations import ApiToken, ApiTokenList, json_response
from webapp.services import services

blueprint = Blueprint("tokens", __name__, url_prefix="/tokens")

TAG: Final = "API tokens"

_LIST: Final = Operation(
    id="listTokens",
    tag=TAG,
    summary="List the account's API tokens",
    description="Returns all of them, the latest first, also the expired ones. None can be read again.",
    answers={200: Answer("The tokens.", ApiTokenList)},
)

_DELETE: Final = Operation(
    id="deleteToken",
    tag=TAG,
    summary="Delete an API token",
    description="Programs that use it are refused from then on; so is this one, if it deletes its own.",
    answers={204: Answer("The token is deleted.")},
    problems=(NOT_FOUND,),
)


@blueprint.get("")
@described(_LIST)
def listing() -> Response:
    """Return the account's tokens, the latest first, also the expired ones."""
    found = tokens.list_all(services().database, access.require_account())
    return json_response(ApiTokenList(items=[ApiToken(**row._asdict()) for row in found]))


@blueprint.delete("/<uuid:token_id>")
@described(_DELETE)
def delete(token_id: UUID) -> Response:
    """Delete a token, also the one of this request. Raises NotFound when the account has none of this id."""
    delete_own(token_id)
    return Response(status=204)
