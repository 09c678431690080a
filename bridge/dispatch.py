"""bridge -> Celery: chains for many heads in one batch of Redis commands.

`chain.apply_async` builds a canvas and makes a round trip for each chain; here a message of protocol 2 with its `chain`
option is built directly and published through `Producer.batch`, at about ten times the rate. A batch whose answer is
lost is sent again with the same task ids; what then runs twice is told apart by the claim.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID, uuid5

from celery import Celery
from kombu.messaging import Producer

from bridge.decide import Head
from bridge.pipelines import THOUGHT_CREATED
from contracts.queues import SOLO_QUEUE, THOUGHTS_QUEUE, broker_settings
from contracts.settings import Settings

BATCH: Final = 500

_TASK_IDS: Final = UUID("c3a1b8a0-7c5e-5f0e-8a3b-2f3f6f0d9e77")


class Dispatcher:
    """Publishes the chains of dispatched heads. Connects at the first send."""

    def __init__(self, settings: Settings) -> None:
        self._app = Celery("bridge")
        self._app.conf.update(broker_settings(settings.broker_url))

    def send(self, heads: Sequence[Head]) -> None:
        """Publish one chain a head, from its first missing step on.

        Raises kombu's OperationalError or BatchPublishError, or redis's errors; delivery is then uncertain, and the
        same heads are to be sent again.
        """
        with self._app.producer_or_acquire() as producer, producer.batch(BATCH):
            for head in heads:
                self._publish(producer, head)

    def _publish(self, producer: Producer, head: Head) -> None:
        steps = list(range(head.steps_done + 1, len(THOUGHT_CREATED.tasks) + 1))
        first, rest = steps[0], steps[1:]
        root = _root_id(head)
        message = self._app.amqp.as_task_v2(
            f"{root}-{first}",
            THOUGHT_CREATED.tasks[first - 1],
            args=_arguments(head),
            argsrepr=str(head.thought_id),
            kwargsrepr="",
            chain=[_signature(head, step, root) for step in reversed(rest)],
            ignore_result=True,
        )
        producer.publish(
            message.body,
            routing_key=SOLO_QUEUE if head.losses else THOUGHTS_QUEUE,
            exchange="",
            serializer="json",
            headers=message.headers,
            delivery_mode=2,
            **message.properties,
        )


def _signature(head: Head, step: int, root: str) -> dict[str, Any]:
    """A later step, as `Signature` would serialise it: building five of those took a fifth of the time of a chain.

    It goes to the usual queue: only the step in which a worker died is taken alone.
    """
    options = {
        "task_id": f"{root}-{step}",
        "root_id": f"{root}-{head.steps_done + 1}",
        "queue": THOUGHTS_QUEUE,
        "argsrepr": str(head.thought_id),
        "kwargsrepr": "",
    }
    return {
        "task": THOUGHT_CREATED.tasks[step - 1],
        "args": _arguments(head),
        "kwargs": {},
        "options": options,
        "subtask_type": None,
        "immutable": True,
    }


def _arguments(head: Head) -> tuple[str, int]:
    return (str(head.thought_id), head.dispatch_id)


def _root_id(head: Head) -> str:
    """The same for every repeat of one sending, another for the next one; with `-` and the step it is a task's id."""
    return str(uuid5(_TASK_IDS, f"{head.thought_id}:{head.dispatch_id}:{head.sends}"))
