"""Without TRUST_USER_ID, because accounts mean nothing with it."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from tests.webapp.conftest import MakeApp
from tests.webapp.smtp_server import MailServer, mail_server


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"trust_user_id": False}


@pytest.fixture
def mails() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def mailing_app(make_app: MakeApp, mails: MailServer) -> Flask:
    """An application that sends mail."""
    return make_app(
        smtp_host="127.0.0.1",
        smtp_port=mails.port,
        smtp_security="none",
        mail_from="site@thoughts.example",
        public_url="https://thoughts.example",
    )
