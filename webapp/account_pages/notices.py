"""Mails that tell a person what was changed in their account, in case somebody else did it.

Where the site sends no mail, the security log is all that tells it.
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
    """Tell the former address of an account that it was replaced."""
    body = CHANGED_EMAIL.format(url=services().settings.public_url)
    _send(former, "The address of your account was changed", body)


def mail_changed_password(email: str) -> None:
    """Tell the owner of an account that its password was replaced, on its page or by a mailed link."""
    body = CHANGED_PASSWORD.format(url=services().settings.public_url)
    _send(email, "The password of your account was changed", body)


def _send(email: str, subject: str, body: str) -> None:
    settings = services().settings
    if settings.sends_mail:
        services().mailer.send(partial(new_mail, settings, email, subject, body))
