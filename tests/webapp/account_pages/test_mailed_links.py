"""Where the site sends mail, an address is confirmed before it is used, and no page says whether it has an account."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from itsdangerous import TimestampSigner, URLSafeTimedSerializer
from sqlalchemy import text

from contracts.database import Database
from tests.eventually import eventually
from tests.webapp.accounts.browsers import (
    EMAIL,
    PASSWORD,
    account_id,
    can_sign_in,
    is_signed_in,
    send,
    sign_in,
    sign_up,
)
from tests.webapp.accounts.security_log import kinds
from tests.webapp.http_client import submit
from tests.webapp.smtp_server import MailServer

NextLink = Callable[[str], str]


@pytest.fixture
def link_to(mails: MailServer) -> NextLink:
    """Wait for the mail to an address, and return the path of its link."""

    def path(email: str) -> str:
        eventually(lambda: [mail for mail in mails.mails if mail["To"] == email])
        mail = next(mail for mail in mails.mails if mail["To"] == email)
        found = re.search(r"https://thoughts\.example(/\S+)", mail.get_content())
        assert found is not None
        return found[1]

    return path


def test_a_mailed_link_creates_the_account_with_the_thoughts_of_the_browser(
    mailing_app: Flask, link_to: NextLink, database: Database
) -> None:
    browser = mailing_app.test_client()
    browser.get("/")
    thought = submit(browser)
    assert "Check your mail" in send(browser, "/account/sign-up", email=EMAIL).text
    assert not is_signed_in(browser)
    link = link_to(EMAIL)
    assert send(browser, link, password="short").status_code == 422
    assert send(browser, link, password=PASSWORD).status_code == 303
    assert is_signed_in(browser)
    other = sign_in(mailing_app)
    assert other.get(f"/thoughts/{thought}").status_code == 200
    assert "account-created" in kinds(database)
    assert "An account has this address" in send(mailing_app.test_client(), link, password=PASSWORD).text


def test_a_sign_up_is_answered_alike_for_a_known_and_an_unknown_address(
    app: Flask, mailing_app: Flask, mails: MailServer
) -> None:
    sign_up(app)
    known, unknown = (
        send(mailing_app.test_client(), "/account/sign-up", email=email) for email in (EMAIL, "bob@example.org")
    )
    assert (known.status_code, known.text.replace(EMAIL, "?")) == (
        unknown.status_code,
        unknown.text.replace("bob@example.org", "?"),
    )
    eventually(lambda: len(mails.mails) == 2)
    subjects = {mail["To"]: mail["Subject"] for mail in mails.mails}
    assert subjects == {EMAIL: "You have an account", "bob@example.org": "Create your account"}


def test_a_changed_address_is_confirmed_first_and_its_former_owner_is_told(
    app: Flask, mailing_app: Flask, mails: MailServer, link_to: NextLink
) -> None:
    sign_up(app)
    browser = sign_in(mailing_app)
    send(browser, "/account/email", email="new@example.org", present=PASSWORD)
    link = link_to("new@example.org")
    browser.get(link)
    assert EMAIL in browser.get("/account/").text, "opening the page changes nothing"
    assert send(browser, link).status_code == 303
    assert "new@example.org" in browser.get("/account/").text
    assert not can_sign_in(mailing_app.test_client())
    eventually(lambda: [mail for mail in mails.mails if mail["To"] == EMAIL])
    assert send(browser, link).status_code == 404, "it works once"


def test_a_link_for_another_account_changes_nothing(
    app: Flask, mailing_app: Flask, link_to: NextLink, database: Database
) -> None:
    for email in (EMAIL, "eve@example.org"):
        sign_up(app, email)
    eve, ada = sign_in(mailing_app, "eve@example.org"), sign_in(mailing_app)
    send(eve, "/account/email", email="new@example.org", present=PASSWORD)
    link = link_to("new@example.org")
    assert (ada.get(link).status_code, send(ada, link).status_code) == (404, 404)
    addresses = {row.email for row in database.rows(text("SELECT email FROM users WHERE email IS NOT NULL"))}
    assert addresses == {EMAIL, "eve@example.org"}


def test_a_link_does_not_tell_its_reader_whose_account_it_is_for(
    app: Flask, mailing_app: Flask, link_to: NextLink, database: Database
) -> None:
    """The reader of the new address may be a stranger, because of a typing error."""
    sign_up(app)
    send(sign_in(mailing_app), "/account/email", email="new@example.org", present=PASSWORD)
    token = link_to("new@example.org").rpartition("/")[2]
    _, content = URLSafeTimedSerializer("a key that the reader lacks").loads_unsafe(token)
    assert "new@example.org" in content, "the content can be read without the key"
    assert EMAIL not in str(content)
    assert str(account_id(database)) not in str(content)


def test_a_link_is_worth_nothing_after_another_change_of_the_address(
    app: Flask, mailing_app: Flask, link_to: NextLink
) -> None:
    browser = sign_up(app)
    send(sign_in(mailing_app), "/account/email", email="new@example.org", present=PASSWORD)
    link = link_to("new@example.org")
    assert send(browser, "/account/email", email="other@example.org", present=PASSWORD).status_code == 303
    later = sign_in(mailing_app, "other@example.org")
    assert (later.get(link).status_code, send(later, link).status_code) == (404, 404)
    assert "other@example.org" in later.get("/account/").text


def test_a_taken_address_is_answered_like_a_free_one_and_gets_no_mail(
    app: Flask, mailing_app: Flask, mails: MailServer
) -> None:
    for email in (EMAIL, "eve@example.org"):
        sign_up(app, email)
    browser = sign_in(mailing_app)
    taken = send(browser, "/account/email", email="eve@example.org", present=PASSWORD)
    free = send(browser, "/account/email", email="bob@example.org", present=PASSWORD)
    assert taken.text.replace("eve@", "bob@") == free.text
    eventually(lambda: mails.mails)
    assert [mail["To"] for mail in mails.mails] == ["bob@example.org"]


def test_a_forged_an_old_and_a_misused_link_are_refused(
    mailing_app: Flask, link_to: NextLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = mailing_app.test_client()
    send(browser, "/account/sign-up", email=EMAIL)
    link = link_to(EMAIL)
    assert browser.get(link).status_code == 200
    assert browser.get(f"{link}x").status_code == 404
    now = TimestampSigner.get_timestamp
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: now(self) + 3602)
    assert browser.get(link).status_code == 404


def test_an_address_with_a_line_break_is_refused_and_adds_nobody_to_a_mail(
    mailing_app: Flask, link_to: NextLink, mails: MailServer
) -> None:
    for end in ("\r\n", "\n", "\r", "%0d%0a", "\u2028"):
        hostile = f"eve@example.org{end}Bcc: bob@example.org"
        assert send(mailing_app.test_client(), "/account/sign-up", email=hostile).status_code == 422
    send(mailing_app.test_client(), "/account/sign-up", email=EMAIL)
    link_to(EMAIL)  # the mails are sent in their order, so one of the others would be here by now
    assert [mail["To"] for mail in mails.mails] == [EMAIL]


def test_a_browser_that_is_signed_in_creates_no_other_account(app: Flask, mailing_app: Flask) -> None:
    sign_up(app)
    for browser in (sign_in(app), sign_in(mailing_app)):
        answer = send(browser, "/account/sign-up", email="bob@example.org", password=PASSWORD)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/account/")
