"""Redis in memory: Celery's queue with its unacknowledged messages, and the wake-ups of bridges."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from bridge.consumer.in_flight_limit import MIN_LIMIT
from bridge.consumer.protocol import Head
from contracts.events import Event
from tests.simulation.fibers import Outcome, PossibleOutcomes, park

SEND_OUTCOMES: Final = PossibleOutcomes(
    "redis", frozenset({Outcome.ANSWER_LATE, Outcome.ANSWER_LOST, Outcome.UNREACHABLE, Outcome.PARTIAL})
)
WORKER_OUTCOMES: Final = PossibleOutcomes("redis", frozenset({Outcome.ANSWER_LOST}))
"""What a worker sends to its broker. ANSWER_LOST stands for a message that never arrives."""


@dataclass(frozen=True, slots=True)
class Message:
    """A chain at one of its steps. `task_id` is Celery's, the same for every delivery of the message."""

    task_id: str
    thought_id: UUID
    dispatch_id: int
    step: int
    due_at: float = 0.0
    is_solo: bool = False
    """In the queue `solo`: its worker runs one task at a time."""


EXTERNAL_TASK_PREFIX: Final = "external "
"""How the task ids of messages start that no process of ours sent."""


class Redis:
    """The server. `delivery_delay` is how long messages wait in the queue at least."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.delivery_delay = 0.0
        self.in_flight_limit = MIN_LIMIT
        """How many thoughts may be in flight in each bridge, by the reports of the workers."""
        self.is_unavailable = False
        self.queue: list[Message] = []
        self.unacknowledged: list[Message] = []
        self.wakeups: list[set[UUID]] = []
        """Of each listener, the users it has not read yet."""
        self._snapshot: tuple[Message, ...] = ()

    def push(self, message: Message) -> None:
        """Append a message to the queue. While Redis is unavailable it is lost, because Celery's publisher gives up."""
        if not self.is_unavailable:
            delay = self.delivery_delay
            due_at = max(message.due_at, self._clock() + delay) if delay else message.due_at
            self.queue.append(replace(message, due_at=due_at))

    def take(self, message: Message) -> None:
        """Deliver a message to a worker, which has not acknowledged it yet."""
        self.queue.remove(message)
        self.unacknowledged.append(message)

    def acknowledge(self, message: Message) -> None:
        """Forget a message that a worker has acknowledged."""
        if message in self.unacknowledged and not self.is_unavailable:
            self.unacknowledged.remove(message)

    def redeliver(self) -> bool:
        """Queue all unacknowledged messages again, as after the visibility time-out."""
        messages = [message for message in self.unacknowledged if message not in self.queue]
        self.queue += messages
        return bool(messages)

    def flush(self) -> bool:
        """Lose all messages; return whether there were any."""
        had_messages = bool(self.queue or self.unacknowledged)
        self.queue.clear()
        self.unacknowledged.clear()
        return had_messages

    def save_snapshot(self) -> None:
        """Save the messages to the file from which a restart would begin."""
        self._snapshot = (*self.queue, *self.unacknowledged)

    def restore_snapshot(self) -> bool:
        """Restart from the last saved file; return whether it has messages."""
        self.queue, self.unacknowledged = list(self._snapshot), []
        return bool(self._snapshot)

    def publish_wakeup(self, user: UUID) -> None:
        """Send a wake-up for this user to every listener."""
        if not self.is_unavailable:
            for users in self.wakeups:
                users.add(user)


class SimulatedDispatcher:
    """The bridge's publisher of chains."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def send(self, heads: Sequence[Head]) -> None:
        """Send all, some or none of the chains. Raises OSError when the caller cannot know."""
        outcome = park("send", SEND_OUTCOMES)
        if self._redis.is_unavailable or outcome is Outcome.UNREACHABLE:
            raise ConnectionError("Redis is unavailable")
        sent = heads[::2] if outcome is Outcome.PARTIAL else heads
        for head in sent:
            task_id = f"{head.thought_id.int}-{head.dispatch_id}-{head.sends}"
            step = head.steps_done + 1
            self._redis.push(Message(task_id, head.thought_id, head.dispatch_id, step, is_solo=head.losses > 0))
        if outcome in {Outcome.ANSWER_LOST, Outcome.PARTIAL}:
            raise ConnectionError("Redis did not answer")
        if outcome is Outcome.ANSWER_LATE:
            park("answer to send")


class SimulatedProgress:
    """Publishes wake-ups to the bridges; events for the browsers are ignored."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def publish(self, event: Event, *, terminal: bool = False) -> None:
        if terminal:
            self._redis.publish_wakeup(event.user_id)


class SimulatedWakeups:
    """A bridge's listener for wake-ups."""

    def __init__(self, redis: Redis) -> None:
        self._users: set[UUID] = set()
        redis.wakeups.append(self._users)

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def drain(self) -> set[UUID]:
        users = set(self._users)
        self._users.clear()
        return users


class SimulatedSlots:
    """A bridge's knowledge of the workers' slots."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def limit(self, users: int) -> int:
        return self._redis.in_flight_limit

    def note_dispatch(self, *, is_sent: bool) -> None:
        pass


def postponed(message: Message, clock: Callable[[], float], seconds: float) -> Message:
    """Return the message as Celery queues it for a retry."""
    return replace(message, due_at=clock() + seconds)
