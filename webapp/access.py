"""Who may see and add what: the cookie's user their own thoughts, and with TRUST_USER_ID everybody all thoughts."""

from uuid import UUID

from werkzeug.exceptions import NotFound

from webapp import deletion
from webapp.queries import Thought, one_thought
from webapp.services import services
from webapp.session import current_visitor


def may_act_for(user_id: UUID) -> bool:
    """Whether the asker may see this user's thoughts, add to them and delete from them."""
    return services().settings.trust_user_id or current_visitor() == user_id


def require_readable(thought_id: UUID) -> Thought:
    """The thought, if the asker may see it. Raises NotFound, also for what belongs to others: ids are not told."""
    found = one_thought(services().database, thought_id)
    if found is None or not may_act_for(found.row.user_id):
        raise NotFound("There is no such thought.")
    return found


def require_deletable(thought_id: UUID) -> UUID:
    """The owner of a thought that the asker may delete, or has deleted. Raises NotFound, also for what is others'."""
    owner = deletion.owner_of(services().database, thought_id)
    if owner is None or not may_act_for(owner):
        raise NotFound("There is no such thought.")
    return owner
