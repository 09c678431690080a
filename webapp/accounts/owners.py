"""Whose rows belong to an account: its own, and those of the anonymous users that joined it."""

from typing import Final

OWNERS: Final = "SELECT CAST(:user AS uuid) UNION ALL SELECT id FROM users WHERE account_id = CAST(:user AS uuid)"
"""A subquery: the account :user, and the anonymous users that joined it."""
