"""Mails that tell a person what was changed in their account, in case somebody else did it.

Where the site sends no mail, the change is only in the security log.
"""

from functools import partial
from typing import Final

from webapp.mailer import new_mail
from webapp.services import services

CHANGED_EMAIL: Final = """The address of your account was changed, so you cannot sign in with this one any more.

If it was not you, tell the operator of {url} at once.
"""

CHANGED_PASSWORD: Final = """The password of your account was changed, and all other browsers were signed out.

If it was not you, choose another password at once: {url}/account/forgotten
"""  # noqa: S105  the text of a mail


def mail_changed_email(former: str) -> None:
    """Queue the mail to the former address of an account."""
    body = CHANGED_EMAIL.format(url=services().settings.public_url)
    _send(former, "The address of your account was changed", body)


def mail_changed_password(email: str) -> None:
    """Queue the mail to an account whose password was replaced, on its page or with a mailed link."""
    body = CHANGED_PASSWORD.format(url=services().settings.public_url)
    _send(email, "The password of your account was changed", body)


def _send(email: str, subject: str, body: str) -> None:
    settings = services().settings
    if settings.sends_mail:
        services().mailer.send(partial(new_mail, settings, email, subject, body))
