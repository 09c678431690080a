"""An account is deleted with everything in it, also when a deletion was interrupted."""

from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import Executable, text
from sqlalchemy.exc import OperationalError

from contracts.accept import accept
from contracts.database import Database
from contracts.events import thought_created
from tests.webapp.accounts.browsers import (
    EMAIL,
    PASSWORD,
    account_row,
    can_sign_in,
    is_signed_in,
    send,
    sign_in,
    sign_up,
)
from tests.webapp.accounts.security_log import kinds
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.http_client import submit
from tests.webapp.test_deletion import add_dead_letter, add_delivery, stored_data
from webapp import submission
from webapp.accounts import account_deletion, resets

SECRETS = (
    *("forgotten", EMAIL, "argon2", "Sleep more", "secret agent", "127.0.0.1", "my token", "my.example"),
    *("a failure that quotes", "a refused record"),
)
ADD_REFUSED_RECORD = text("""
    WITH d AS (INSERT INTO dead_letters (failure_id, reason, value, headers)
               VALUES (CAST(:id AS text), 'contradicts', 'a refused record',
                       jsonb_build_object('user_id', CAST(:user AS text), 'message', 'a refused record'))
               RETURNING failure_id, value, headers)
    INSERT INTO outbox (topic, failure_id, value, headers) SELECT 'letters', failure_id, value, headers FROM d
""")


def fill(app: Flask, database: Database, worker: FakeWorker) -> UUID:
    """Make an account with thoughts in every state, profiles, sign-ins, a token, a link and a joined user."""
    browser = sign_up(app)
    done, failed, _ = (submit(browser, f"words to be forgotten {number}") for number in range(3))
    worker.complete(done)
    worker.dispatch(failed)
    worker.claim(failed)
    worker.fail(failed)
    add_dead_letter(database, failed)
    for number in range(2):
        browser.put("/profile", json={"goals": [f"Sleep more {number}"]})
    app.test_client().post(
        "/account/sign-in", data={"email": EMAIL, "password": PASSWORD}, headers={"User-Agent": "secret agent"}
    )
    user: UUID = account_row(database).id
    token = """INSERT INTO api_tokens (id, user_id, name, scopes, token_hash, expires_at)
                    VALUES (:id, :user, 'my token', ARRAY['read'], '\\x00', now() + interval '1 day')"""
    database.rows(text(token), id=uuid4(), user=user)
    joined = """INSERT INTO users (id, account_id, profile) VALUES (:id, :user, '{"goals": ["Sleep more"]}')"""
    database.rows(text(joined), id=(joined_user := uuid4()), user=user)
    for owner in (user, joined_user):
        database.rows(ADD_REFUSED_RECORD, id=str(uuid4()), user=str(owner))
    add_delivery(database, user, failed, "a failure that quotes")
    browser.post("/webhooks", json={"url": "https://my.example/"})
    resets.create(database, EMAIL)
    return user


def everything(database: Database) -> str:
    tables = ("users", "sign_ins", "password_resets", "api_tokens", "security_events", "former_profiles", "webhooks")
    rows = " ".join(str(database.rows(text(f"SELECT to_jsonb(t) FROM {table} t"))) for table in tables)
    return stored_data(database) + rows


def delete_outbox(database: Database) -> None:
    """Publish the outbox: what still waits in it is sent to Kafka and then gone."""
    database.rows(text("DELETE FROM outbox WHERE failure_id IS NULL"))


def test_nothing_that_a_person_wrote_or_was_is_left(app: Flask, database: Database, worker: FakeWorker) -> None:
    user = fill(app, database, worker)
    delete_outbox(database)
    written = set(SECRETS) - {"secret agent", "127.0.0.1"}
    assert [secret for secret in written if secret not in everything(database)] == []
    browser = sign_in(app)
    answer = send(browser, "/account/delete", present=PASSWORD)
    assert answer.status_code == 303
    assert "Your account was deleted" in browser.get("/").text
    left = everything(database)
    assert [secret for secret in SECRETS if secret in left] == []
    [row] = database.rows(text("SELECT * FROM users WHERE id = :id"), id=user)
    assert row.deleted_at is not None
    assert {row.status for row in database.rows(text("SELECT status FROM thoughts"))} == {"deleted"}
    assert kinds(database)[-1] == "account-deleted"


def test_no_browser_of_a_deleted_account_is_signed_in_and_its_address_is_free(app: Flask) -> None:
    browser = sign_up(app)
    other = sign_in(app)
    thought = submit(browser)
    send(browser, "/account/delete", present=PASSWORD)
    assert (is_signed_in(browser), is_signed_in(other), can_sign_in(other)) == (False, False, False)
    for one in (browser, other):
        assert one.get(f"/thoughts/{thought}").status_code == 404
    sign_up(app)


def test_the_password_is_needed(app: Flask, database: Database) -> None:
    browser = sign_up(app)
    thought = submit(browser)
    assert send(browser, "/account/delete", present="not the password").status_code == 422
    assert browser.post("/account/delete", data={"present": PASSWORD, "csrf_token": ""}).status_code == 403
    assert browser.get(f"/thoughts/{thought}").status_code == 200
    assert account_row(database).deleted_at is None


@pytest.mark.parametrize("statement", range(1, 15))
def test_a_deletion_that_was_interrupted_can_be_repeated(
    app: Flask, database: Database, worker: FakeWorker, statement: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process is killed after the nth statement: that one is committed, and the next is never sent."""
    user = fill(app, database, worker)
    delete_outbox(database)
    sent = 0
    rows = database.rows

    def stop_later(*arguments: object, **parameters: object) -> object:
        nonlocal sent
        sent += 1
        if sent > statement:
            raise OperationalError("killed", {}, Exception())
        return rows(*arguments, **parameters)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Database, "rows", lambda _, *arguments, **parameters: stop_later(*arguments, **parameters))
        with suppress(OperationalError):
            account_deletion.delete_account(database, user)
        assert (sent > statement) == (statement < 14), "the last number is that of the last statement"
    account_deletion.delete_account(database, user)
    assert [secret for secret in SECRETS if secret in everything(database)] == []
    assert kinds(database).count("account-deleted") == 1


def test_a_refused_record_of_another_user_is_kept(app: Flask, database: Database) -> None:
    sign_up(app)
    database.rows(ADD_REFUSED_RECORD, id="another's", user=str(uuid4()))
    account_deletion.delete_account(database, account_row(database).id)
    assert "a refused record" in stored_data(database)


def test_a_thought_that_is_accepted_just_before_the_account_is_closed_is_erased_too(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = sign_up(app)
    submit(browser, "words to be forgotten")
    user, late = account_row(database).id, uuid4()
    rows = database.rows

    def accept_before_the_end(self: Database, statement: Executable, **parameters: Any) -> Any:
        if statement is account_deletion.CLOSE_ACCOUNT:
            patch.undo()
            written = "forgotten, but late"
            event = thought_created(user, late, written).to_bytes()
            accept(database, thought_id=late, user_id=user, text=written, event=event, topic="t", emit=False)
        return rows(statement, **parameters)

    with monkeypatch.context() as patch:
        patch.setattr(Database, "rows", accept_before_the_end)
        account_deletion.delete_account(database, user)
    delete_outbox(database)
    assert "forgotten" not in everything(database)
    assert str(late) in stored_data(database)
    assert EMAIL not in everything(database)


@pytest.mark.parametrize(("call", "status"), [("form", 422), ("json", 401), ("batch", 401)])
def test_a_thought_that_was_on_its_way_during_the_deletion_is_refused(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch, call: str, status: int
) -> None:
    browser = sign_up(app)
    user = account_row(database).id
    submit_now = submission.submit

    def delete_first(*arguments: Any, **options: Any) -> None:
        account_deletion.delete_account(database, user)
        submit_now(*arguments, **options)

    monkeypatch.setattr(submission, "submit", delete_first)
    if call == "form":
        answer = send(browser, "/thoughts", text="words to be forgotten")
    else:
        thought = {"text": "words to be forgotten"}
        path, body = ("/thoughts", thought) if call == "json" else ("/thoughts:batch", {"thoughts": [thought]})
        answer = browser.post(path, json=body)
    found = answer.json["results"][0]["status"] if call == "batch" else answer.status_code  # type: ignore[index]
    assert found == status
    assert "was deleted" in answer.text
    assert database.rows(text("SELECT FROM thoughts")) == []
