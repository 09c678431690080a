"""Redis in memory: Celery's queue with its unacknowledged messages, and the news of ended thoughts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from bridge.consumer.protocol import Head
from contracts.events import Event
from tests.simulation.fibers import Fate, Means, park

SENT: Final = Means("redis", frozenset({Fate.LATE, Fate.LOST, Fate.AWAY, Fate.HALF}))
TOLD: Final = Means("redis", frozenset({Fate.LOST}))


@dataclass(frozen=True, slots=True)
class Message:
    """A chain at one of its steps. `task` is Celery's id, the same for every delivery of the message."""

    task: str
    thought_id: UUID
    token: int
    step: int
    due: float = 0.0
    alone: bool = False
    """In the queue `solo`: taken by a worker that does nothing else."""


ANYBODY: Final = "anybody's "
"""How the task ids of messages begin that nobody of ours sent."""


class Redis:
    """The server. `delay` is how long messages wait in the queue at least."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.delay = 0.0
        self.away = False
        self.queue: list[Message] = []
        self.unacknowledged: list[Message] = []
        self.listeners: list[set[UUID]] = []
        self._saved: tuple[Message, ...] = ()

    def push(self, message: Message) -> None:
        """At the end of the queue; a server that is away loses it, as Celery's publisher gives up."""
        if not self.away:
            due = max(message.due, self._clock() + self.delay) if self.delay else message.due
            self.queue.append(replace(message, due=due))

    def take(self, message: Message) -> None:
        """A worker has it, and has not acknowledged it."""
        self.queue.remove(message)
        self.unacknowledged.append(message)

    def acknowledge(self, message: Message) -> None:
        """Never delivered again."""
        if message in self.unacknowledged and not self.away:
            self.unacknowledged.remove(message)

    def deliver_again(self) -> bool:
        """All that was taken and not acknowledged, after the visibility time-out or by a mistake."""
        again = [one for one in self.unacknowledged if one not in self.queue]
        self.queue += again
        return bool(again)

    def flush(self) -> bool:
        """Forget everything."""
        had = bool(self.queue or self.unacknowledged)
        self.queue.clear()
        self.unacknowledged.clear()
        return had

    def save(self) -> None:
        """What a restart from this file would bring back."""
        self._saved = (*self.queue, *self.unacknowledged)

    def restore(self) -> bool:
        """Start from the file that was saved last."""
        self.queue, self.unacknowledged = list(self._saved), []
        return bool(self._saved)

    def tell(self, user: UUID) -> None:
        """News of an ended thought reaches who listens."""
        if not self.away:
            for heard in self.listeners:
                heard.add(user)


class Dispatcher:
    """The bridge's publisher of chains."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def send(self, heads: Sequence[Head]) -> None:
        """All, some or none of them. Raises OSError when that is not known."""
        fate = park("send", SENT)
        if self._redis.away or fate is Fate.AWAY:
            raise ConnectionError("Redis is unavailable")
        sent = heads[::2] if fate is Fate.HALF else heads
        for head in sent:
            task = f"{head.thought_id.int}-{head.dispatch_id}-{head.sends}"
            step = head.steps_done + 1
            self._redis.push(Message(task, head.thought_id, head.dispatch_id, step, alone=head.losses > 0))
        if fate in {Fate.LOST, Fate.HALF}:
            raise ConnectionError("Redis did not answer")
        if fate is Fate.LATE:
            park("answer to send")


class Publisher:
    """Events to the browsers, which nobody looks at here, and news to the bridges."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def publish(self, event: Event, *, terminal: bool = False) -> None:
        if terminal:
            self._redis.tell(event.user_id)


class WakeupListener:
    """A bridge's ear."""

    def __init__(self, redis: Redis) -> None:
        self._heard: set[UUID] = set()
        redis.listeners.append(self._heard)

    def start(self) -> None:
        """It listens."""

    def stop(self) -> None:
        """It need not be told."""

    def drain(self) -> set[UUID]:
        heard = set(self._heard)
        self._heard.clear()
        return heard


def later(message: Message, clock: Callable[[], float], seconds: float) -> Message:
    """The message as it is put back."""
    return replace(message, due=clock() + seconds)
