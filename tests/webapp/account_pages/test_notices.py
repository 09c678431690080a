"""The owner of an account gets a mail when its password was changed."""

import pytest
from flask import Flask

from contracts.database import Database
from tests.eventually import eventually
from tests.webapp.accounts.browsers import EMAIL, OTHER_PASSWORD, PASSWORD, send, sign_in, sign_up
from tests.webapp.smtp_server import MailServer
from webapp.accounts import resets

SUBJECT = "The password of your account was changed"


def test_the_owner_gets_a_mail_about_a_changed_password(app: Flask, mailing_app: Flask, mails: MailServer) -> None:
    sign_up(app)
    browser = sign_in(mailing_app)
    assert send(browser, "/account/password", present="not it", password=OTHER_PASSWORD).status_code == 422
    assert send(browser, "/account/password", present=PASSWORD, password=OTHER_PASSWORD).status_code == 303
    eventually(lambda: mails.mails)
    [mail] = mails.mails
    assert (mail["To"], mail["Subject"]) == (EMAIL, SUBJECT)
    assert "https://thoughts.example/account/forgotten" in mail.get_content()


def test_the_owner_gets_a_mail_about_a_password_that_was_chosen_with_a_link(
    app: Flask, mailing_app: Flask, mails: MailServer, database: Database
) -> None:
    sign_up(app)
    link = resets.create(database, EMAIL)
    assert link is not None
    assert send(mailing_app.test_client(), f"/account/reset/{link.token}", password=OTHER_PASSWORD).status_code == 303
    eventually(lambda: mails.mails)
    assert [(mail["To"], mail["Subject"]) for mail in mails.mails] == [(EMAIL, SUBJECT)]


def test_a_site_without_a_mail_server_does_not_try_to_send_one(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    browser = sign_up(app)
    assert send(browser, "/account/password", present=PASSWORD, password=OTHER_PASSWORD).status_code == 303
    app.extensions["services"].mailer.close()
    assert "a mail" not in caplog.text
