"""Nothing is written into an account that is being deleted, and what was just being written is erased."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from contracts.database import Database
from tests.transactions import slow_commit
from tests.webapp.access import actors
from tests.webapp.account_pages.test_account_deletion import everything
from tests.webapp.accounts.browsers import account_id, send, sign_up
from tests.webapp.accounts.security_log import kinds
from webapp.accounts import account_deletion, security_events, tokens
from webapp.accounts.scopes import Scope
from webapp.api import profile as profile_api
from webapp.profile import page as profile_page
from webapp.profile.model import Profile
from webapp.profile.store import replace_profile
from webapp.users import AccountDeletedError
from webapp.webhooks import store as webhooks

URL = "https://of-ada.example/"


def write_profiles(database: Database, user: UUID) -> None:
    for goal in ("of-ada", "another"):
        replace_profile(database, user, Profile(goals=(goal,)), None)


def write_event(database: Database, user: UUID) -> None:
    security_events.record(database, "token-created", user, "192.0.2.7", name="of-ada")


WRITERS: dict[str, Callable[[Database, UUID], object]] = {
    "profile": write_profiles,
    "webhook": lambda database, user: webhooks.create(database, user, URL, ["thought_failed"], with_text=False),
    "token": lambda database, user: tokens.create(database, user, "of-ada", {Scope.READ}, 1),
    "sign-in": lambda database, user: actors.begin_sign_in(database, user, "of-ada"),
    "event": write_event,
}


def browser_sends(browser: FlaskClient, call: str) -> TestResponse:
    """Send what the account's person wrote."""
    match call:
        case "profile form":
            return send(browser, "/profile/edit", goals="of-ada", version="0")
        case "profile json":
            return browser.put("/profile", json={"goals": ["of-ada"]})
        case "webhook form":
            return send(browser, "/account/webhooks", url=URL, events="thought_failed")
        case "webhook json":
            return browser.post("/webhooks", json={"url": URL})
        case _:
            return send(browser, "/account/tokens", name="of-ada", scopes="read", days="1")


@pytest.mark.parametrize(
    ("call", "module", "name", "status"),
    [
        ("profile form", profile_page, "replace_profile", 422),
        ("profile json", profile_api, "replace_profile", 401),
        ("webhook form", webhooks, "create", 401),
        ("webhook json", webhooks, "create", 401),
        ("token form", tokens, "create", 422),
    ],
)
def test_what_was_on_its_way_during_the_deletion_is_refused(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch, call: str, module: Any, name: str, status: int
) -> None:
    browser = sign_up(app)
    user, write = account_id(database), getattr(module, name)

    def delete_first(*arguments: Any, **options: Any) -> Any:
        account_deletion.delete_account(database, user)
        return write(*arguments, **options)

    monkeypatch.setattr(module, name, delete_first)
    answer = browser_sends(browser, call)
    assert answer.status_code == status
    assert "was deleted" in answer.text or call == "token form"
    assert "of-ada" not in everything(database)


def test_the_event_of_a_token_that_was_created_just_before_the_deletion_is_not_added_after_it(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = sign_up(app)
    user, write = account_id(database), tokens.create

    def delete_afterwards(*arguments: Any, **options: Any) -> Any:
        written = write(*arguments, **options)
        account_deletion.delete_account(database, user)
        return written

    monkeypatch.setattr(tokens, "create", delete_afterwards)
    browser_sends(browser, "token form")
    assert kinds(database)[-1] == "account-deleted"
    assert "of-ada" not in everything(database)


@pytest.mark.parametrize("writer", WRITERS)
def test_what_was_being_written_when_the_deletion_came_is_erased(app: Flask, database: Database, writer: str) -> None:
    sign_up(app)
    user = account_id(database)
    with ThreadPoolExecutor(1) as pool:
        with slow_commit(database) as uncommitted:
            WRITERS[writer](uncommitted, user)
            deletion = pool.submit(account_deletion.delete_account, database, user)
        deletion.result(10)
    assert "of-ada" not in everything(database)


@pytest.mark.parametrize("writer", WRITERS)
def test_what_is_written_while_the_deletion_is_committed_waits_and_stores_nothing(
    app: Flask, database: Database, writer: str
) -> None:
    sign_up(app)
    user = account_id(database)
    with ThreadPoolExecutor(1) as pool:
        with slow_commit(database) as uncommitted:
            account_deletion.delete_account(uncommitted, user)
            writing = pool.submit(WRITERS[writer], database, user)
        with suppress(AccountDeletedError):
            writing.result(10)
    assert "of-ada" not in everything(database)
