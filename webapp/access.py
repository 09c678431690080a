"""Access rules: a visitor sees and changes their own thoughts; with TRUST_USER_ID every client acts for every user."""

from uuid import UUID

from werkzeug.exceptions import NotFound

from webapp import deletion
from webapp.queries import Thought, find_thought
from webapp.services import services
from webapp.session import current_visitor


def may_act_for(user_id: UUID) -> bool:
    """Return whether the client may read, add and delete this user's thoughts."""
    return services().settings.trust_user_id or current_visitor() == user_id


def require_readable(thought_id: UUID) -> Thought:
    """Return the thought.

    Raises NotFound when it does not exist, and also when it belongs to another user, so that ids cannot be probed.
    """
    thought = find_thought(services().database, thought_id)
    if thought is None or not may_act_for(thought.row.user_id):
        raise _not_found()
    return thought


def require_deletable(thought_id: UUID) -> UUID:
    """Return the owner of a thought that the client may delete or has already deleted. Raises NotFound otherwise."""
    owner = deletion.owner_of(services().database, thought_id)
    if owner is None or not may_act_for(owner):
        raise _not_found()
    return owner


def _not_found() -> NotFound:
    return NotFound("This thought does not exist, or it belongs to another user.")
