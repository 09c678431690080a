"""An open stream ends with the token, the sign-in or the anonymous cookie that opened it."""

from collections.abc import Callable
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import text

from contracts.database import Database
from tests.webapp.access import actors
from tests.webapp.conftest import MakeApp
from webapp.accounts import sign_ins
from webapp.accounts.admissions import Admission, is_valid
from webapp.stream import event_stream
from webapp.stream.event_stream import EventStream

MANY = 30
"""More items than a stream without events sends between two checks."""

AGE_SIGN_INS = text("UPDATE sign_ins SET created_at = now() - interval '91 days' WHERE user_id = :id")


@pytest.fixture
def app(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """An application whose streams check at every heartbeat."""
    monkeypatch.setattr(event_stream, "ADMISSION_SECONDS", 0.0)
    return make_app(sse_heartbeat_interval=0.02)


def by_token(database: Database) -> Admission:
    user = actors.add_account(database)
    return Admission(user, token_id=actors.new_token(database, user).id)


def by_sign_in(database: Database) -> Admission:
    user = actors.add_account(database)
    account = sign_ins.find(database, actors.begin_sign_in(database, user))
    assert account is not None
    return Admission(user, sign_in_id=account.sign_in_id)


def by_cookie(database: Database) -> Admission:
    user = uuid4()
    database.rows(text("INSERT INTO users (id) VALUES (:id)"), id=user)
    return Admission(user)


ENDS: list[tuple[Callable[[Database], Admission], Callable[[Database, UUID], Any]]] = [
    (by_token, lambda database, user: database.rows(text("DELETE FROM api_tokens WHERE user_id = :id"), id=user)),
    (by_token, lambda database, user: database.rows(text("UPDATE api_tokens SET expires_at = now()"))),
    (by_token, lambda database, user: database.rows(actors.DISABLE_USER, id=user)),
    (by_sign_in, sign_ins.end_all),
    (by_sign_in, lambda database, user: database.rows(AGE_SIGN_INS, id=user)),
    (by_sign_in, lambda database, user: database.rows(actors.DELETE_USER, id=user)),
    (by_cookie, actors.add_account),
]


@pytest.mark.parametrize(("admit", "end"), ENDS)
def test_a_stream_ends_with_what_admitted_it(
    app: Flask, database: Database, admit: Callable[[Database], Admission], end: Callable[[Database, UUID], Any]
) -> None:
    admission = admit(database)
    items = EventStream(app.extensions["services"], admission.user_id, None, admission).items()
    assert len(list(islice(items, MANY))) == MANY, "it goes on while the admission is valid"
    end(database, admission.user_id)
    assert len(list(islice(items, MANY))) < MANY


def test_a_stream_goes_on_while_postgresql_cannot_say_whether_it_may(
    make_app: MakeApp, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "ADMISSION_SECONDS", 0.0)
    admission = by_token(database)
    app = make_app(sse_heartbeat_interval=0.02, database_url="postgresql+psycopg2://localhost:1/unreachable")
    items = EventStream(app.extensions["services"], admission.user_id, None, admission).items()
    assert len(list(islice(items, 5))) == 5
    items.close()


def test_a_admission_counts_for_its_own_user_only(database: Database) -> None:
    token, sign_in, other = by_token(database), by_sign_in(database), actors.add_account(database)
    assert is_valid(database, token)
    assert is_valid(database, sign_in)
    assert not is_valid(database, Admission(other, token_id=token.token_id))
    assert not is_valid(database, Admission(other, sign_in_id=sign_in.sign_in_id))
    assert not is_valid(database, Admission(other)), "an account is not admitted by an anonymous cookie"
    assert not is_valid(database, Admission(uuid4(), token_id=token.token_id))
    assert is_valid(database, Admission(uuid4())), "an anonymous visitor before the first thought"
