"""Sends mail from a background thread, so that no answer takes longer for an address that has an account."""

import logging
import queue
import smtplib
import ssl
import threading
from collections.abc import Callable
from email.message import EmailMessage
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from contracts.database import describe_error
from contracts.site_settings import SiteSettings

log = logging.getLogger(__name__)

QUEUE_SIZE: Final = 200
"""Mails that may wait. Further ones are dropped with a line in the log; the person can ask again."""

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
    """A bounded queue of mails, and one thread that makes and sends them in order."""

    def __init__(self, settings: SiteSettings) -> None:
        self._settings = settings
        self._mails: queue.Queue[MakeMail | None] = queue.Queue(QUEUE_SIZE)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def send(self, make: MakeMail) -> None:
        """Queue a mail and return at once."""
        self._start()
        try:
            self._mails.put_nowait(make)
        except queue.Full:
            log.warning("The mail server is too slow and %s mails wait: a mail is dropped", QUEUE_SIZE)

    def close(self) -> None:
        """Let the thread finish the queue, waiting at most CLOSE_TIMEOUT_SECONDS."""
        if self._thread is not None:
            try:
                self._mails.put_nowait(None)
            except queue.Full:
                log.warning("Stopped while %s mails were still waiting", QUEUE_SIZE)
            self._thread.join(CLOSE_TIMEOUT_SECONDS)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="mailer", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while (make := self._mails.get()) is not None:
            try:
                if (message := make()) is not None:
                    self._deliver(message)
            except (OSError, smtplib.SMTPException) as error:
                log.error("The mail server refuses a mail, which is dropped: %s", _cause(error))  # noqa: TRY400  one line
            except SQLAlchemyError as error:
                log.error("PostgreSQL is unavailable, a mail is dropped: %s", describe_error(error))  # noqa: TRY400
            except Exception:  # the thread must survive
                log.exception("A mail could not be made and is dropped")

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
