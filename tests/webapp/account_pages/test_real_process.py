"""A real web process sends mail from its thread, under gevent, and exports a file in parts."""

import json
import re
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

from tests.eventually import eventually
from tests.webapp.accounts.browsers import EMAIL, OTHER_PASSWORD, PASSWORD
from tests.webapp.conftest import StartWeb
from tests.webapp.http_client import TOKEN
from tests.webapp.smtp_server import MailServer

LINK = re.compile(r"https://thoughts\.example(/account/\S+)")


class Person:
    """A person at a browser that keeps cookies, follows redirects and sends the token of each form."""

    def __init__(self, url: str) -> None:
        self._url, self._opener = url, build_opener(HTTPCookieProcessor(CookieJar()))

    def open(self, path: str, fields: dict[str, str] | None = None) -> str:
        body = None if fields is None else urlencode(fields).encode()
        with self._opener.open(self._url + path, body, timeout=20) as response:
            return str(response.read().decode())

    def send(self, path: str, **fields: str) -> str:
        token = TOKEN.search(self.open(path))
        assert token is not None
        return self.open(path, fields | {"csrf_token": token[1]})


def test_a_person_creates_an_account_exports_it_and_resets_the_password(start_web: StartWeb, mails: MailServer) -> None:
    web = start_web(
        SMTP_HOST="127.0.0.1",
        SMTP_PORT=str(mails.port),
        SMTP_SECURITY="none",
        MAIL_FROM="site@thoughts.example",
        PUBLIC_URL="https://thoughts.example",
    )
    person = Person(web.url)

    def newest_link(number: int) -> str:
        eventually(lambda: len(mails.mails) == number)
        found = LINK.search(mails.mails[-1].get_content())
        assert found is not None
        return found[1]

    person.send("/account/sign-up", email=EMAIL)
    assert "Your account is ready" in person.send(newest_link(1), password=PASSWORD)
    exported = json.loads(person.send("/account/export", format="json"))
    assert exported["email"] == EMAIL
    person.send("/account/forgotten", email=EMAIL)
    assert "Your password was changed" in person.send(newest_link(2), password=OTHER_PASSWORD)
    assert EMAIL in Person(web.url).send("/account/sign-in?next=/account/", email=EMAIL, password=OTHER_PASSWORD)
    assert EMAIL not in web.log.read_text()
