"""Creates the row of a visitor's user with their first thought or profile, so that opening a page writes nothing.

What is written for a user later is refused with AccountDeletedError once the account was deleted.
"""

from typing import Final

from sqlalchemy import text

INSERT_USER: Final = text("INSERT INTO users (id) VALUES (:id) ON CONFLICT DO NOTHING")
"""Creates a user without a name; an existing one stays as it is."""


class AccountDeletedError(ValueError):
    """Raised when the account was deleted after the request was admitted; nothing was stored."""
