"""The store of the API tokens: hashes, expiry, last use and limits."""

import pytest
from flask import Flask
from sqlalchemy import text

from contracts.database import Database
from tests.webapp.access import actors
from webapp.accounts import tokens
from webapp.accounts.scopes import Scope
from webapp.accounts.secrets import hash_token

AGE_USE = text(
    "UPDATE api_tokens SET last_used_at = now() - CAST(:age AS interval) WHERE id = :id RETURNING last_used_at"
)
LAST_USE = text("SELECT last_used_at FROM api_tokens WHERE id = :id")
WHOLE_ROWS = text("SELECT row_to_json(t)::text AS row, token_hash FROM api_tokens t")


def test_only_the_hash_of_a_token_is_stored(database: Database) -> None:
    token = actors.new_token(database, actors.add_account(database))
    [row] = database.rows(WHOLE_ROWS)
    assert bytes(row.token_hash) == hash_token(token.text)
    assert token.text not in row.row
    assert token.text[4:20] not in row.row


def test_a_token_acts_for_its_account_with_its_scopes(database: Database) -> None:
    user = actors.add_account(database)
    token = actors.new_token(database, user, {Scope.READ, Scope.STREAM})
    assert tokens.find(database, token.text) == tokens.ApiToken(token.id, user, frozenset({"read", "stream"}))
    assert tokens.find(database, token.text[:-1]) is None


@pytest.mark.parametrize("statement", [actors.DISABLE_USER, actors.DELETE_USER])
def test_no_token_of_a_disabled_or_deleted_account_is_found_or_created(database: Database, statement: object) -> None:
    user = actors.add_account(database)
    token = actors.new_token(database, user)
    database.rows(statement, id=user)  # type: ignore[arg-type]
    assert tokens.find(database, token.text) is None
    assert tokens.create(database, user, "another", {Scope.READ}, 1) is None


def test_an_anonymous_user_gets_no_token(app: Flask, database: Database) -> None:
    user = actors.visitor_with_things(app).user_id
    assert tokens.create(database, user, "a token", {Scope.READ}, 1) is None


def test_the_last_use_is_written_at_most_every_five_minutes(database: Database) -> None:
    token = actors.new_token(database, actors.add_account(database))
    assert database.rows(LAST_USE, id=token.id)[0].last_used_at is None
    tokens.find(database, token.text)
    assert database.rows(LAST_USE, id=token.id)[0].last_used_at is not None
    for age, is_written in (("4 minutes", False), ("6 minutes", True)):
        before = database.rows(AGE_USE, id=token.id, age=age)[0].last_used_at
        tokens.find(database, token.text)
        assert (database.rows(LAST_USE, id=token.id)[0].last_used_at != before) is is_written, age


def test_a_token_expires_after_the_chosen_days(database: Database) -> None:
    token = tokens.create(database, actors.add_account(database), "for a year", {Scope.READ}, 365)
    assert token is not None
    days = text("SELECT expires_at - created_at = interval '365 days' AS is_year FROM api_tokens")
    assert database.rows(days)[0].is_year
    database.rows(actors.EXPIRE_TOKEN, id=token.id)
    assert tokens.find(database, token.text) is None


@pytest.mark.parametrize(("name", "scopes", "days"), [("", {Scope.READ}, 1), ("n" * 101, {Scope.READ}, 1),
    ("a", set(), 1), ("a", {Scope.READ}, 0), ("a", {Scope.READ}, 366)])  # fmt: skip
def test_a_token_without_a_name_a_scope_or_an_end_is_not_created(
    database: Database, name: str, scopes: set[Scope], days: int
) -> None:
    with pytest.raises(ValueError, match="a token needs"):
        tokens.create(database, actors.add_account(database), name, scopes, days)


def test_an_account_has_a_limited_number_of_tokens(database: Database) -> None:
    user, other = actors.add_account(database), actors.add_account(database)
    for _ in range(tokens.MAX_TOKENS):
        last = actors.new_token(database, user)
    assert tokens.create(database, user, "one more", {Scope.READ}, 1) is None
    actors.new_token(database, other)
    tokens.delete(database, user, last.id)
    assert tokens.create(database, user, "one more", {Scope.READ}, 1) is not None
