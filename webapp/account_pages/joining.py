"""Lets the browser's anonymous user join the account that signs in with it."""

from uuid import UUID

from webapp import session
from webapp.accounts import joining
from webapp.event_recording import client_address
from webapp.services import services


def join_browser(account: UUID) -> None:
    """Move the thoughts of the cookie's anonymous user to the account; nothing changes when there is none.

    The events of the former user's stream are deleted, because nobody can open it any more; this also wakes the bridge
    that watches the former line. Raises SQLAlchemyError when PostgreSQL is unavailable; the sign-in may be repeated.
    """
    anonymous = session.cookie_visitor()
    if anonymous is None:
        return
    settings, address = services().settings, client_address()
    topic, emit = settings.kafka_topic, settings.kafka_enabled
    joining.join(services().database, anonymous, account, address, topic=topic, emit=emit)
    services().background_publisher.delete_history(anonymous)
