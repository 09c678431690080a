"""Publishes to Redis from a background thread, so that a slow Redis never delays a request.

What is dropped or fails is only shown later: every stream also derives its events from PostgreSQL.
"""

from functools import partial
from uuid import UUID

from contracts.events import Event
from contracts.progress import ProgressPublisher
from webapp.background_calls import BackgroundCalls


class BackgroundPublisher(BackgroundCalls):
    """Publishes events, and deletes the histories of users, in order."""

    def __init__(self, publisher: ProgressPublisher) -> None:
        super().__init__("Redis")
        self._publisher = publisher

    def publish(self, event: Event, *, terminal: bool = False) -> None:
        """Queue the event for publication and return at once. `terminal` also wakes the bridges."""
        call = partial(self._publisher.publish, event, terminal=terminal)
        self.add(call, f"{event.event_type} is not shown live", thought_id=event.thought_id)

    def delete_history(self, user_id: UUID) -> None:
        """Queue the deletion of the user's event history in Redis and return at once."""
        call = partial(self._publisher.delete_history, user_id)
        self.add(call, "the user's event history stays until it expires", user_id=user_id)
