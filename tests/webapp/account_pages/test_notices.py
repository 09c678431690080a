"""The owner of an account learns by mail that its password or address was changed."""

from flask import Flask

from contracts.database import Database
from tests.eventually import eventually
from tests.webapp.accounts.browsers import EMAIL, OTHER_PASSWORD, PASSWORD, send, sign_in, sign_up
from tests.webapp.smtp_server import MailServer
from webapp.accounts import resets

SUBJECT = "The password of your account was changed"


def test_a_changed_password_is_told_to_its_owner(app: Flask, mailing_app: Flask, mails: MailServer) -> None:
    sign_up(app)
    browser = sign_in(mailing_app)
    assert send(browser, "/account/password", present="not it", password=OTHER_PASSWORD).status_code == 422
    assert send(browser, "/account/password", present=PASSWORD, password=OTHER_PASSWORD).status_code == 303
    eventually(lambda: mails.mails)
    [mail] = mails.mails
    assert (mail["To"], mail["Subject"]) == (EMAIL, SUBJECT)
    assert "https://thoughts.example/account/forgotten" in mail.get_content()


def test_a_password_that_was_chosen_with_a_link_is_told_to_its_owner(
    app: Flask, mailing_app: Flask, mails: MailServer, database: Database
) -> None:
    sign_up(app)
    link = resets.create(database, EMAIL)
    assert link is not None
    assert send(mailing_app.test_client(), f"/account/reset/{link.token}", password=OTHER_PASSWORD).status_code == 303
    eventually(lambda: mails.mails)
    assert [(mail["To"], mail["Subject"]) for mail in mails.mails] == [(EMAIL, SUBJECT)]


def test_a_site_that_sends_no_mail_tells_nobody(app: Flask) -> None:
    browser = sign_up(app)
    assert send(browser, "/account/password", present=PASSWORD, password=OTHER_PASSWORD).status_code == 303
