"""However many clients ask, one person gets few mails, and no refusal says whether the address has an account."""

import re
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from tests.eventually import eventually
from tests.webapp.accounts.browsers import EMAIL, PASSWORD, send, sign_in, sign_up
from tests.webapp.conftest import MakeApp
from tests.webapp.limits.clients import client_at, statuses
from tests.webapp.smtp_server import MailServer

VICTIM, FREE = "victim@example.org", "free@example.org"


def mailing(make_app: MakeApp, mails: MailServer, **limits: str) -> Flask:
    """Return an application that sends mail, with these limits."""
    mail: dict[str, Any] = {"smtp_host": "127.0.0.1", "smtp_port": mails.port, "smtp_security": "none"}
    return make_app(mail_from="site@thoughts.example", public_url="https://thoughts.example", **mail, **limits)


def clients(app: Flask, number: int) -> list[FlaskClient]:
    """Return clients that have nothing in common."""
    return [client_at(app, f"198.51.100.{last}") for last in range(number)]


def recipients(mails: MailServer) -> list[str]:
    return [mail["To"] for mail in mails.mails]


def shown(page: str, email: str) -> str:
    """Return a page without what differs between two addresses and two moments."""
    page = re.sub(r'<input type="hidden"[^>]*>', "TOKEN", page.replace(email, "ADDRESS"))
    return re.sub(r"\d+ (hours|minutes|seconds)|<time.*?</time>", "TIME", page)


def test_mails_of_sign_ups_to_one_person_are_limited_for_all_senders_together(
    make_app: MakeApp, mails: MailServer
) -> None:
    app = mailing(make_app, mails, limit_sign_ups_per_email="2/hour")
    answers = [send(client, "/account/sign-up", email=VICTIM) for client in clients(app, 4)]
    assert statuses(*answers) == [200, 200, 429, 429]
    assert send(app.test_client(), "/account/sign-up", email=FREE).status_code == 200, "another person"
    eventually(lambda: FREE in recipients(mails))
    assert recipients(mails) == [VICTIM, VICTIM, FREE]


def test_the_refusal_is_the_same_for_an_address_with_an_account(
    app: Flask, make_app: MakeApp, mails: MailServer
) -> None:
    sign_up(app, VICTIM)
    limited = mailing(make_app, mails, limit_sign_ups_per_email="1/hour")
    pages = []
    for email in (VICTIM, FREE):
        first, second = (send(client, "/account/sign-up", email=email) for client in clients(limited, 2))
        assert statuses(first, second) == [200, 429]
        pages.append(shown(second.text, email))
    assert pages[0] == pages[1]


def test_mails_of_changes_to_one_address_are_limited_for_all_senders_together(
    app: Flask, make_app: MakeApp, mails: MailServer
) -> None:
    limited = mailing(make_app, mails, limit_email_changes_per_email="1/hour")
    emails = [EMAIL, "eve@example.org"]
    for email in emails:
        sign_up(app, email)
    first, second = (sign_in(limited, email) for email in emails)
    answers = [send(browser, "/account/email", email=VICTIM, present=PASSWORD) for browser in (first, second)]
    assert statuses(*answers) == [200, 429]
    assert (VICTIM in answers[1].text, PASSWORD in answers[1].text) == (True, False)
    assert send(second, "/account/email", email=FREE, present=PASSWORD).status_code == 200, "another address"
    eventually(lambda: FREE in recipients(mails))
    assert recipients(mails) == [VICTIM, FREE]


def test_a_site_that_sends_no_mail_has_the_same_limits(make_app: MakeApp) -> None:
    app = make_app(limit_sign_ups_per_email="2/hour", limit_email_changes_per_email="1/hour")
    sign_ups = [send(client, "/account/sign-up", email=VICTIM, password=PASSWORD) for client in clients(app, 3)]
    assert statuses(*sign_ups) == [303, 422, 429]
    changes = [
        send(sign_up(app, email), "/account/email", email=VICTIM, present=PASSWORD)
        for email in (EMAIL, "eve@example.org")
    ]
    assert statuses(*changes) == [422, 429]
