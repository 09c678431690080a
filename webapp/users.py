"""Creates the row of a visitor's user with their first thought or profile, so that opening a page writes nothing."""

from typing import Final

from sqlalchemy import text

INSERT_USER: Final = text("INSERT INTO users (id) VALUES (:id) ON CONFLICT DO NOTHING")
"""Creates a user without a name; an existing one stays as it is."""
