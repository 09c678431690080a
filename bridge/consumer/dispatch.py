"""bridge -> Celery: chains for many heads in one batch of Redis commands.

`chain.apply_async` builds a canvas and makes a round trip for each chain; here a message of protocol 2 with its `chain`
option is built directly and published through `Producer.batch`, at about ten times the rate. A batch whose answer is
lost is sent again with the same task ids; what then runs twice is told apart by the claim.
"""

from collections.abc import Sequence
from typing import Any, Final

from celery import Celery
from celery.utils.nodenames import anon_nodename
from kombu.messaging import Producer

from agents.catalogue import CATALOGUE
from bridge.consumer.protocol import Head
from contracts.queues import SOLO_QUEUE, THOUGHTS_QUEUE, broker_settings, task_name
from contracts.settings import Settings
from contracts.source_headers import StoredHeaders, decode_bytes

BATCH_SIZE: Final = 500

SHORT_TIMEOUTS: Final = {"socket_timeout": 3, "socket_connect_timeout": 2, "max_retries": 1, "interval_start": 0}
"""The bridge's one loop sends again by itself, and asks for nobody while it waits for a broker that is away."""


class Dispatcher:
    """Publishes the chains of dispatched heads. Connects at the first send."""

    def __init__(self, settings: Settings) -> None:
        self._app = Celery("bridge")
        self._origin = anon_nodename()
        self._app.conf.update(broker_settings(settings.broker_url))
        self._app.conf.broker_transport_options |= SHORT_TIMEOUTS

    def send(self, heads: Sequence[Head]) -> None:
        """Publish one chain a head, from its first missing step on.

        Raises kombu's OperationalError or BatchPublishError, or redis's errors; delivery is then uncertain, and the
        same heads are to be sent again.
        """
        with self._app.producer_or_acquire() as producer, producer.batch(BATCH_SIZE):
            for head in heads:
                self._publish(producer, head)

    def _publish(self, producer: Producer, head: Head) -> None:
        """What all steps of a chain share is made once: ids as text and the sender's name took a tenth of the time."""
        first, *rest = range(head.steps_done + 1, CATALOGUE.total + 1)
        thought = str(head.thought_id)
        root = _root_id(thought, head)
        arguments = (thought, head.dispatch_id)
        shared: dict[str, Any] = {
            "root_id": f"{root}-{first}",
            "queue": THOUGHTS_QUEUE,
            "argsrepr": thought,
            "kwargsrepr": "",
        }
        traces = _tracing_headers(head.tracing) if head.tracing else {}
        if traces:
            shared["headers"] = traces
        message = self._app.amqp.as_task_v2(
            f"{root}-{first}",
            _task_of(first),
            args=arguments,
            argsrepr=thought,
            kwargsrepr="",
            chain=[_signature(step, arguments, {**shared, "task_id": f"{root}-{step}"}) for step in reversed(rest)],
            ignore_result=True,
            origin=self._origin,
        )
        producer.publish(
            message.body,
            routing_key=SOLO_QUEUE if head.losses else THOUGHTS_QUEUE,
            exchange="",
            serializer="json",
            headers=message.headers | traces,
            delivery_mode=2,
            **message.properties,
        )


def _task_of(step: int) -> str:
    return task_name(CATALOGUE.at_step(step).name)


def _signature(step: int, arguments: tuple[str, int], options: dict[str, Any]) -> dict[str, Any]:
    """A later step, as `Signature` would serialise it: building five of those took a fifth of the time of a chain.

    It goes to the usual queue: only the step in which a worker died is taken alone.
    """
    return {
        "task": _task_of(step),
        "args": arguments,
        "kwargs": {},
        "options": options,
        "subtask_type": None,
        "immutable": True,
    }


def _tracing_headers(tracing: StoredHeaders) -> dict[str, str]:
    """As Celery's messages carry them; of a repeated one the last counts."""
    return {name.lower(): (decode_bytes(value) or b"").decode("utf-8", "replace") for name, value in tracing}


def _root_id(thought: str, head: Head) -> str:
    """The same for every repeat of one sending, another for the next one; with `-` and the step it is a task's id."""
    return f"{thought}-{head.dispatch_id}-{head.sends}"
