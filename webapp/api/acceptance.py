"""Accepts a thought for a call: validates the text, derives the id from the key, and names what is refused."""

from uuid import UUID

from contracts.text import thought_text
from webapp import bearer, submission
from webapp.ids import keyed_id, new_id
from webapp.problem_types import INVALID_VALUE, KEY_REUSED, THOUGHT_DELETED
from webapp.services import services
from webapp.users import AccountDeletedError


def accept(user_id: UUID, text: str, key: str | None, *, fresh: bool) -> UUID:
    """Store a validated text and return the thought's id. Repeating it with the same key changes nothing.

    Raises a key-reused or thought-deleted problem, Unauthorized when the account was deleted meanwhile, and
    SQLAlchemyError when PostgreSQL is unavailable.
    """
    thought_id = thought_id_of(user_id, key)
    try:
        submission.submit(services(), user_id, thought_id, text, fresh=fresh)
    except submission.ThoughtDeletedError:
        raise THOUGHT_DELETED.error(
            "The thought of this Idempotency-Key was deleted. Send a new key to submit it again."
        ) from None
    except AccountDeletedError:
        raise bearer.invalid_token("This account was deleted, so the thought was not stored.") from None
    except submission.KeyReusedError:
        raise KEY_REUSED.error(
            "This Idempotency-Key was used before for another text. Send a new key with each new text."
        ) from None
    return thought_id


def thought_id_of(user_id: UUID, key: str | None) -> UUID:
    """Return the id that this author always gets for this key, or a new one without a key."""
    return keyed_id(user_id, key) if key else new_id()


def validated(written: str) -> str:
    """Return the text of a new thought. Raises an invalid-value problem."""
    try:
        return thought_text(written)
    except ValueError as error:
        raise INVALID_VALUE.error(f"text: {error}.") from None
