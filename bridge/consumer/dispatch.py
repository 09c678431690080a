"""bridge -> Celery: sends the chains of many heads in one batch of Redis commands.

A chain is one Celery message of protocol 2: the first missing step is the task, the later steps are its `chain` option.
The message is built directly and published through `Producer.batch`, at about ten times the rate of
`chain.apply_async`, which builds a canvas and makes a round trip for each chain.

Delivery is at least once. A batch whose answer was lost is sent again with the same task ids; the worker's claim lets
only one of two equal messages run.
"""

from collections.abc import Sequence
from typing import Any, Final

from celery import Celery
from celery.utils.nodenames import anon_nodename
from kombu.messaging import Producer

from agents.catalogue import CATALOGUE
from bridge.consumer.protocol import Head
from contracts.foreign_items import INSTALLATION_HEADER
from contracts.queues import SOLO_QUEUE, THOUGHTS_QUEUE, broker_settings, step_priority, task_name
from contracts.settings import Settings
from contracts.source_headers import StoredHeaders, decode_bytes

BATCH_SIZE: Final = 500
"""Messages in one batch of Redis commands."""

SHORT_TIMEOUTS: Final = {"socket_timeout": 3, "socket_connect_timeout": 2, "max_retries": 1, "interval_start": 0}
"""Celery's transport options, in seconds and tries. The bridge's loop sends again anyway, and no lane is polled while
its only thread waits for Redis."""


class Dispatcher:
    """Publishes the chains of dispatched heads. Connects to Redis at the first send."""

    def __init__(self, settings: Settings, installation_id: str = "") -> None:
        """Each message carries the `installation_id`, unless it is empty."""
        self._sender = {INSTALLATION_HEADER: installation_id} if installation_id else {}
        self._app = Celery("bridge")
        self._origin = anon_nodename()
        self._app.conf.update(broker_settings(settings.broker_url, settings.redis_prefix))
        self._app.conf.broker_transport_options |= SHORT_TIMEOUTS

    def send(self, heads: Sequence[Head]) -> None:
        """Publish one chain for each head, from its first missing step on.

        Raises kombu's OperationalError or BatchPublishError, or redis's errors, when Redis is unavailable. Delivery is
        uncertain then, and the same heads must be sent again.
        """
        with self._app.producer_or_acquire() as producer, producer.batch(BATCH_SIZE):
            for head in heads:
                self._publish(producer, head)

    def _publish(self, producer: Producer, head: Head) -> None:
        """Publish the first missing step, with the later steps as its chain.

        What all steps share is built once: ids as text and the sender's name took a tenth of the time.
        """
        first_step, *later_steps = range(head.steps_done + 1, CATALOGUE.total + 1)
        thought_id = str(head.thought_id)
        root = _root_id(thought_id, head)
        arguments = (thought_id, head.dispatch_id)
        shared: dict[str, Any] = {
            "root_id": f"{root}-{first_step}",
            "queue": THOUGHTS_QUEUE,
            "argsrepr": thought_id,
            "kwargsrepr": "",
        }
        own_headers = self._sender | (_tracing_headers(head.tracing) if head.tracing else {})
        if own_headers:
            shared["headers"] = own_headers
        message = self._app.amqp.as_task_v2(
            f"{root}-{first_step}",
            _task_name(first_step),
            args=arguments,
            argsrepr=thought_id,
            kwargsrepr="",
            chain=[
                _signature(step, arguments, {**shared, "task_id": f"{root}-{step}"}) for step in reversed(later_steps)
            ],
            ignore_result=True,
            origin=self._origin,
        )
        producer.publish(
            message.body,
            routing_key=SOLO_QUEUE if head.losses else THOUGHTS_QUEUE,
            exchange="",
            serializer="json",
            headers=message.headers | own_headers,
            delivery_mode=2,
            priority=step_priority(first_step, CATALOGUE.total),
            **message.properties,
        )


def _task_name(step: int) -> str:
    return task_name(CATALOGUE.at_step(step).name)


def _signature(step: int, arguments: tuple[str, int], options: dict[str, Any]) -> dict[str, Any]:
    """Return a later step as Celery's `Signature` would serialise it.

    Building five `Signature` objects took a fifth of the time of a chain. A later step goes to the usual queue, also
    after a loss: only the step in which a worker died runs in the queue `solo`.
    """
    return {
        "task": _task_name(step),
        "args": arguments,
        "kwargs": {},
        "options": options,
        "subtask_type": None,
        "immutable": True,
    }


def _tracing_headers(tracing: StoredHeaders) -> dict[str, str]:
    """Return the headers as Celery's messages carry them: lower case and text. Of equal names the last one counts."""
    return {name.lower(): (decode_bytes(value) or b"").decode("utf-8", "replace") for name, value in tracing}


def _root_id(thought_id: str, head: Head) -> str:
    """Return the prefix of the chain's task ids; `-` and the step number follow. Repeats of one send have equal ids."""
    return f"{thought_id}-{head.dispatch_id}-{head.sends}"
