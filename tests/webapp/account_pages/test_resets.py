"""A person who forgot the password chooses another one with a link."""

import re
import subprocess
import sys
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, text

from contracts.database import Database
from contracts.settings import Settings
from tests.eventually import eventually
from tests.stores import ROOT
from tests.webapp.access import actors
from tests.webapp.accounts.browsers import (
    EMAIL,
    OTHER_PASSWORD,
    PASSWORD,
    account_id,
    can_sign_in,
    is_signed_in,
    send,
    sign_in,
    sign_up,
)
from tests.webapp.accounts.security_log import kinds
from tests.webapp.smtp_server import MailServer
from tests.webapp.web_processes import environment
from webapp.accounts import resets, tokens
from webapp.webhooks import store as webhooks

NewLink = Callable[[], str]


@pytest.fixture
def new_link(database: Database) -> NewLink:
    """Create a link as the thread that sends mails does, and return its path."""

    def create() -> str:
        created = resets.create(database, EMAIL)
        assert created is not None
        return f"/account/reset/{created[1]}"

    return create


def age_links(database: Database, interval: str) -> None:
    database.rows(text("UPDATE password_resets SET created_at = created_at - CAST(:by AS interval)"), by=interval)


def test_a_mailed_link_sets_the_password_once_and_ends_all_sign_ins(
    app: Flask, mailing_app: Flask, mails: MailServer, database: Database
) -> None:
    browser, other = sign_up(app), mailing_app.test_client()
    assert send(other, "/account/forgotten", email="ADA@example.org").status_code == 200
    eventually(lambda: mails.mails)
    mail = mails.mails[0]
    assert mail["To"] == EMAIL, "the address of the account, not the typed one"
    assert mail["From"] == "site@thoughts.example"
    assert "deletes all API tokens" in mail.get_content()
    found = re.search(r"https://thoughts\.example(/account/reset/\S+)", mail.get_content())
    assert found is not None
    for _ in range(2):
        assert EMAIL in other.get(found[1]).text, "opening the page does not use the link up"
    assert send(other, found[1], password="short").status_code == 422
    assert send(other, found[1], password=OTHER_PASSWORD).headers["Location"] == "/account/sign-in"
    assert not is_signed_in(browser)
    assert send(other, found[1], password=PASSWORD).status_code == 404
    assert (can_sign_in(other, password=PASSWORD), can_sign_in(other, password=OTHER_PASSWORD)) == (False, True)
    assert kinds(database)[-3:] == ["reset-requested", "password-reset", "signed-in"]


def test_a_reset_deletes_the_api_tokens_and_disables_the_webhooks_and_says_so(
    app: Flask, database: Database, new_link: NewLink
) -> None:
    sign_up(app)
    user, other = account_id(database), actors.add_account(database)
    token, foreign = actors.new_token(database, user), actors.new_token(database, other)
    for owner in (user, other):
        webhooks.create(database, owner, "https://example.org/", ["thought_failed"], with_text=True)
    browser, link = app.test_client(), new_link()
    assert "all API tokens are deleted, and all webhooks are disabled" in browser.get(link).text
    assert send(browser, link, password=OTHER_PASSWORD).status_code == 303
    assert "all API tokens were deleted" in browser.get("/account/sign-in").text
    assert tokens.find(database, token.text) is None
    assert tokens.find(database, foreign.text) is not None
    disabled = [webhooks.webhooks_of(database, owner)[0].disabled_at is not None for owner in (user, other)]
    assert disabled == [True, False]
    page = sign_in(app, password=OTHER_PASSWORD).get("/account/webhooks").text
    assert "because your password was reset" in page


def test_a_reset_keeps_the_reason_of_a_webhook_that_was_disabled_before(
    app: Flask, database: Database, new_link: NewLink
) -> None:
    sign_up(app)
    webhooks.create(database, account_id(database), "https://example.org/", ["thought_failed"], with_text=True)
    database.rows(text("UPDATE webhooks SET disabled_at = now(), failing_since = now()"))
    send(app.test_client(), new_link(), password=OTHER_PASSWORD)
    page = sign_in(app, password=OTHER_PASSWORD).get("/account/webhooks").text
    assert "because it failed for a day or answered 410" in page


def test_the_host_of_a_request_is_not_in_the_link(app: Flask, mailing_app: Flask, mails: MailServer) -> None:
    sign_up(app)
    stranger = mailing_app.test_client()
    stranger.get("/account/forgotten", base_url="http://evil.example")
    stranger.post("/account/forgotten", data={"email": EMAIL}, base_url="http://evil.example")
    eventually(lambda: mails.mails)
    assert "evil" not in mails.mails[0].get_content()


def test_the_answer_is_the_same_for_a_known_and_an_unknown_address(
    app: Flask, mailing_app: Flask, mails: MailServer
) -> None:
    sign_up(app)
    for site in (mailing_app, app):
        known, unknown = (
            send(site.test_client(), "/account/forgotten", email=email) for email in (EMAIL, "bob@example.org")
        )
        assert known.status_code == unknown.status_code == 200
        assert known.text.replace(EMAIL, "?") == unknown.text.replace("bob@example.org", "?")
    eventually(lambda: mails.mails)
    assert [mail["To"] for mail in mails.mails] == [EMAIL]


def test_the_request_asks_postgresql_nothing_about_the_address(
    mailing_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So its time cannot depend on the address. The queue is only counted, because its thread may ask at once."""
    queued: list[object] = []
    browser = mailing_app.test_client()
    browser.get("/account/forgotten")
    services = mailing_app.extensions["services"]
    services.database.engine.dispose()
    connects: list[object] = []
    event.listen(services.database.engine, "do_connect", lambda *arguments: connects.append(arguments))
    monkeypatch.setattr(services.mailer, "send", queued.append)
    assert browser.post("/account/forgotten", data={"email": EMAIL}).status_code == 200
    assert (len(queued), connects) == (1, [])


def test_a_mail_server_that_refuses_costs_one_line_without_the_address(
    app: Flask, mailing_app: Flask, mails: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    sign_up(app)
    browser = mailing_app.test_client()
    mails.refuses = True
    assert send(browser, "/account/forgotten", email=EMAIL).status_code == 200
    eventually(lambda: "The mail server refuses a mail" in caplog.text)
    assert EMAIL not in caplog.text
    mails.refuses = False
    send(browser, "/account/forgotten", email=EMAIL)
    eventually(lambda: mails.mails)


def test_a_link_ends_after_an_hour(app: Flask, database: Database, new_link: NewLink) -> None:
    browser, link = sign_up(app), new_link()
    age_links(database, "59 minutes")
    assert browser.get(link).status_code == 200
    age_links(database, "1 minute")
    assert browser.get(link).status_code == 404
    assert browser.post(link, data={"password": OTHER_PASSWORD}).status_code == 404
    assert can_sign_in(browser)


def test_a_newer_link_a_changed_password_and_a_changed_address_end_a_link(app: Flask, new_link: NewLink) -> None:
    browser = sign_up(app)
    older, link = new_link(), new_link()
    assert (browser.get(older).status_code, browser.get(link).status_code) == (404, 200)
    send(browser, "/account/password", present=PASSWORD, password=PASSWORD)
    assert browser.get(link).status_code == 404
    link = new_link()
    send(browser, "/account/email", present=PASSWORD, email="new@example.org")
    assert browser.get(link).status_code == 404


def test_an_outdated_form_of_a_link_does_not_use_it_up(app: Flask, new_link: NewLink) -> None:
    browser = sign_up(app)
    link = new_link()
    assert browser.post(link, data={"password": OTHER_PASSWORD, "csrf_token": "foreign"}).status_code == 403
    assert browser.post(link, data={"password": OTHER_PASSWORD}).status_code == 303


def test_a_link_is_kept_only_as_a_hash(app: Flask, database: Database, new_link: NewLink) -> None:
    sign_up(app)
    token = new_link().rpartition("/")[2]
    [row] = database.rows(text("SELECT * FROM password_resets"))
    assert token.encode() not in bytes(row.token_hash)


def test_the_command_prints_a_link_that_works(client: FlaskClient, app: Flask, settings: Settings) -> None:
    sign_up(app)
    command = [sys.executable, "-m", "webapp", "reset-link", EMAIL, "--url", "https://thoughts.example/"]
    printed = subprocess.run(
        command, cwd=ROOT, env=environment(settings), check=True, capture_output=True, text=True
    ).stdout
    link = printed.strip().removeprefix("https://thoughts.example")
    assert send(client, link, password=OTHER_PASSWORD).status_code == 303
    assert can_sign_in(client, password=OTHER_PASSWORD)


def test_the_command_says_when_no_account_has_the_address(settings: Settings) -> None:
    command = [sys.executable, "-m", "webapp", "reset-link", "nobody@example.org"]
    ended = subprocess.run(command, cwd=ROOT, env=environment(settings), check=False, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "No account" in ended.stderr
