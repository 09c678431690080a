"""Sends mail from a background thread, so that no answer takes longer for an address that has an account."""

import logging
import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from functools import partial
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from contracts.database import describe_error
from contracts.site_settings import SiteSettings
from webapp.background_calls import BackgroundCalls

log = logging.getLogger(__name__)

TIMEOUT_SECONDS: Final = 10.0
CLOSE_TIMEOUT_SECONDS: Final = 2.0

MakeMail = Callable[[], EmailMessage | None]
"""Returns a mail, or None when there is nothing to send. It runs in the thread, and may query PostgreSQL."""


def new_mail(settings: SiteSettings, recipient: str, subject: str, body: str) -> EmailMessage:
    """Return a plain text mail of this site."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.mail_from, recipient, subject
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body)
    return message


class Mailer:
    """Makes and sends mails in order, in one background thread."""

    def __init__(self, settings: SiteSettings) -> None:
        self._settings = settings
        self._calls = BackgroundCalls("SMTP", close_seconds=CLOSE_TIMEOUT_SECONDS)

    def send(self, make: MakeMail) -> None:
        """Queue a mail and return at once. One that is dropped is a line in the log; the person can ask again."""
        self._calls.add(partial(self._make_and_deliver, make), "a mail is dropped")

    def close(self) -> None:
        """Let the thread finish the queue, waiting at most CLOSE_TIMEOUT_SECONDS."""
        self._calls.close()

    def _make_and_deliver(self, make: MakeMail) -> None:
        try:
            if (message := make()) is not None:
                self._deliver(message)
        except (OSError, smtplib.SMTPException) as error:
            log.error("The mail server refuses a mail, which is dropped: %s", _cause(error))  # noqa: TRY400  one line
        except SQLAlchemyError as error:
            log.error("PostgreSQL is unavailable, a mail is dropped: %s", describe_error(error))  # noqa: TRY400

    def _deliver(self, message: EmailMessage) -> None:
        settings = self._settings
        with self._connect() as client:
            if settings.smtp_security == "starttls":
                client.starttls(context=ssl.create_default_context())
            if settings.smtp_password is not None:
                client.login(settings.smtp_username, settings.smtp_password.get_secret_value())
            client.send_message(message)

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        if settings.smtp_security == "tls":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_SECONDS, context=context)
        return smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_SECONDS)


def _cause(error: OSError | smtplib.SMTPException) -> str:
    """Describe an error without the addresses that smtplib puts into its texts."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__}, status {error.smtp_code}"
    if isinstance(error, smtplib.SMTPException):
        return type(error).__name__
    return f"{type(error).__name__}: {error.strerror or 'no answer in time'}"
