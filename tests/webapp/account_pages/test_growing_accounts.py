"""The deletion of an account ends, also while somebody keeps submitting thoughts for it or asks for it many times."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import Executable, text
from sqlalchemy.exc import OperationalError

from contracts import cli
from contracts.accept import accept
from contracts.database import Database
from contracts.events import thought_created
from contracts.settings import Settings
from tests.webapp.accounts.browsers import (
    EMAIL,
    PASSWORD,
    account_id,
    account_row,
    is_signed_in,
    send,
    sign_in,
    sign_up,
)
from tests.webapp.accounts.joined_users import Pair
from tests.webapp.http_client import submit
from webapp import deletion
from webapp.accounts import tokens
from webapp.accounts.account_deletion import CLOSE_ACCOUNT, MAX_PASSES, UnfinishedDeletionError, delete_account
from webapp.accounts.scopes import Scope
from webapp.commands import webapp

FIRST_SIGN_IN = text("SELECT id FROM sign_ins WHERE user_id = :user ORDER BY created_at LIMIT 1")


def write(database: Database, user: UUID) -> UUID:
    """Accept a thought of this user, as a program that sends one does."""
    thought = uuid4()
    event = thought_created(user, thought, "a thought").to_bytes()
    accept(database, thought_id=thought, user_id=user, text="a thought", event=event, topic="t", emit=False)
    return thought


@contextmanager
def before_each_close(act: Callable[[], object]) -> Iterator[Counter[Any]]:
    """Call `act` each time before an account would be closed; yield how often each thought was erased."""
    erased: Counter[Any] = Counter()
    rows = Database.rows

    def observed(self: Database, statement: Executable, **parameters: Any) -> Any:
        if statement is CLOSE_ACCOUNT:
            act()
        if statement is deletion.DELETE_THOUGHT:
            erased[parameters["id"]] += 1
        return rows(self, statement, **parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "rows", observed)
        yield erased


def texts(database: Database) -> set[str]:
    return {row.text for row in database.rows(text("SELECT text FROM thoughts"))}


def test_a_deletion_gives_up_while_thoughts_keep_arriving_and_can_be_repeated(app: Flask, database: Database) -> None:
    browser = sign_up(app)
    first = [submit(browser, f"a thought {number}") for number in range(3)]
    user, arriving = account_id(database), list[UUID]()
    with before_each_close(lambda: arriving.append(write(database, user))) as erased:
        answer = send(browser, "/account/delete", present=PASSWORD)
    assert (answer.status_code, answer.mimetype) == (409, "text/html")
    assert "New thoughts kept arriving" in answer.text
    assert len(arriving) == MAX_PASSES
    assert {erased[thought] for thought in (*first, *arriving[:-1])} == {1}, "each thought is erased in one pass"
    assert account_row(database).deleted_at is None
    assert is_signed_in(browser), "the browser that asked for it can repeat it"
    assert send(browser, "/account/delete", present=PASSWORD).status_code == 303
    assert texts(database) == {""}
    assert database.rows(text("SELECT FROM users WHERE email IS NOT NULL")) == []


def test_the_command_says_why_an_account_was_not_deleted(app: Flask, database: Database, settings: Settings) -> None:
    sign_up(app)
    user = account_id(database)
    with before_each_close(lambda: write(database, user)), pytest.raises(SystemExit, match="New thoughts kept"):
        run_delete(settings)
    assert account_row(database).deleted_at is None
    run_delete(settings)
    assert database.rows(text("SELECT FROM users WHERE email IS NOT NULL")) == []


def run_delete(settings: Settings) -> None:
    assert cli.run(webapp, "python -m webapp", ["users", "delete", EMAIL, "--yes"], settings) == 0


def test_other_browsers_and_programs_lose_their_access_before_anything_is_erased(
    app: Flask, database: Database
) -> None:
    browser, other = sign_up(app), sign_in(app)
    submit(browser)
    user = account_id(database)
    token = tokens.create(database, user, "a program", [Scope.WRITE], 1)
    assert token is not None
    [kept] = database.rows(FIRST_SIGN_IN, user=user)
    header = {"Authorization": f"Bearer {token.text}"}

    def stop(*_: Any) -> None:
        raise OperationalError("killed", {}, Exception())

    with pytest.MonkeyPatch.context() as patch, suppress(OperationalError):
        patch.setattr(deletion, "delete", stop)
        delete_account(database, user, kept_sign_in=kept.id)
    assert texts(database) == {"a thought"}
    assert (is_signed_in(browser), is_signed_in(other)) == (True, False)
    assert app.test_client().post("/thoughts", json={"text": "late"}, headers=header).status_code == 401


def test_finished_thoughts_that_join_the_account_during_its_deletion_are_erased_too(
    app: Flask, database: Database, settings: Settings
) -> None:
    """Their turns stay as they were, below those that the deletion has passed."""
    browser = sign_up(app)
    for _ in range(3):
        submit(browser)
    account, anonymous = account_id(database), uuid4()
    database.rows(text("INSERT INTO users (id) VALUES (:id)"), id=anonymous)
    finished = write(database, anonymous)
    database.rows(text("UPDATE thoughts SET status = 'completed', finished_at = now() WHERE id = :id"), id=finished)
    pair = Pair(database, settings, anonymous, account)
    with before_each_close(pair.join):
        delete_account(database, account)
    assert texts(database) == {""}
    assert database.rows(text("SELECT FROM users WHERE deleted_at IS NOT NULL"))


def test_a_second_deletion_of_the_account_is_refused_while_the_first_one_runs(app: Flask, database: Database) -> None:
    browser = sign_up(app)
    submit(browser)
    user, other = account_id(database), uuid4()
    has_begun, may_go_on = threading.Event(), threading.Event()
    erase = deletion.delete

    def wait(*arguments: Any) -> None:
        has_begun.set()
        assert may_go_on.wait(20)
        erase(*arguments)

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor() as pool:
        patch.setattr(deletion, "delete", wait)
        first = pool.submit(delete_account, database, user)
        assert has_begun.wait(20)
        try:
            with pytest.raises(UnfinishedDeletionError, match="Another request"):
                delete_account(database, user)
            assert delete_account(database, other) == [], "that of another account is not refused"
        finally:
            may_go_on.set()
        assert first.result(20) == [user]
    assert delete_account(database, user) == [user], "it may be repeated afterwards"
