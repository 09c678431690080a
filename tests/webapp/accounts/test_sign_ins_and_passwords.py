"""A sign-in at the same moment as a changed password: whichever comes first, none of the former password survives."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from contracts.database import Database
from tests.transactions import slow_commit
from tests.webapp.access import actors
from tests.webapp.accounts.browsers import EMAIL, OTHER_PASSWORD, PASSWORD, is_signed_in, send, sign_up
from tests.webapp.conftest import MakeApp
from webapp.account_pages import routes
from webapp.account_pages.joining import join_browser
from webapp.accounts import credentials, resets, sign_ins
from webapp.accounts.store import Account

Change = Callable[[Database], object]


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(trust_user_id=False)


@pytest.fixture
def account(database: Database) -> Account:
    found = credentials.find(database, actors.add_account(database))
    assert found is not None
    return found


@pytest.fixture(params=["on the page", "with a link"])
def change(request: pytest.FixtureRequest, database: Database, account: Account) -> Change:
    """What changes the password, in the database that it is given."""
    if request.param == "on the page":
        return lambda used: credentials.change_password(used, account, "another hash", deletes_tokens=False)
    link = resets.create(database, account.email)
    assert link is not None
    return lambda used: resets.use(used, link.token, "another hash")


def test_a_sign_in_of_the_former_password_does_not_begin(database: Database, account: Account, change: Change) -> None:
    assert change(database)
    former, new = (
        sign_ins.begin(database, account.user_id, verified, "") for verified in (account.password_hash, "another hash")
    )
    assert sign_ins.find(database, former) is None
    assert sign_ins.find(database, new) is not None


def test_a_sign_in_that_waits_for_a_change_of_the_password_does_not_begin(
    database: Database, account: Account, change: Change
) -> None:
    with ThreadPoolExecutor() as pool:
        with slow_commit(database) as uncommitted:
            assert change(uncommitted)
            begun = pool.submit(sign_ins.begin, database, account.user_id, account.password_hash, "")
        token = begun.result(10)
    assert sign_ins.find(database, token) is None


def test_a_sign_in_for_which_a_change_of_the_password_waits_is_ended(
    database: Database, account: Account, change: Change
) -> None:
    with ThreadPoolExecutor() as pool:
        with slow_commit(database) as uncommitted:
            token = sign_ins.begin(uncommitted, account.user_id, account.password_hash, "")
            changed = pool.submit(change, database)
        assert changed.result(10)
    assert sign_ins.find(database, token) is None


def test_a_person_whose_password_changes_while_they_sign_in_is_told_so(
    app: Flask, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, late = sign_up(make_app(trust_user_id=False)), app.test_client()
    change_before_the_sign_in_begins(monkeypatch, browser)
    answer = send(late, "/account/sign-in", email=EMAIL, password=PASSWORD)
    assert (answer.status_code, "changed at this moment" in answer.text) == (422, True)
    assert (is_signed_in(late), is_signed_in(browser)) == (False, True)


def change_before_the_sign_in_begins(monkeypatch: pytest.MonkeyPatch, browser: FlaskClient) -> None:
    """Let the browser, which belongs to another process, change the password after the next sign-in has verified it."""

    def change_and_join(account: UUID) -> None:
        answer = send(browser, "/account/password", present=PASSWORD, password=OTHER_PASSWORD)
        assert answer.headers["Location"] == "/account/"
        join_browser(account)

    monkeypatch.setattr(routes, "join_browser", change_and_join)
