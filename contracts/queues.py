"""bridge -> Celery: defines the names of queues and tasks, and the broker settings that both sides share."""

from typing import Any, Final

from contracts.redis_urls import celery_url

THOUGHTS_QUEUE: Final = "thoughts"
SOLO_QUEUE: Final = "solo"
"""The queue of steps whose worker died during the call. One process with one slot serves it, so a thought that kills
its worker again interrupts no other thought."""


PRIORITIES: Final = 10
"""kombu's Redis transport knows the priorities 0 to 9 and keeps a list for each; 0 is delivered first."""


def step_priority(step: int, steps: int) -> int:
    """Return the priority of a step's message: later steps first, so that what has begun finishes.

    With more than ten steps, the earliest ones share the last priority.
    """
    return min(steps - step, PRIORITIES - 1)


def queue_keys(prefix: str, queue: str) -> list[str]:
    """Return the keys of the lists in which kombu keeps a queue's messages, one for each priority.

    `prefix` is `Settings.redis_prefix`.
    """
    key = key_prefix(prefix) + queue
    return [key, *(f"{key}{_SEPARATOR}{priority}" for priority in range(1, PRIORITIES))]


_SEPARATOR: Final = "\x06\x16"
"""kombu's separator of a queue's name and its priority."""


def task_name(agent_name: str) -> str:
    """Return the name of the Celery task that calls an agent."""
    return f"tasks.{agent_name}"


def key_prefix(prefix: str) -> str:
    """Return what precedes the name of each of Celery's keys and channels in Redis.

    `prefix` is `Settings.redis_prefix`.
    """
    return f"{prefix}:"


def broker_settings(url: str, prefix: str) -> dict[str, Any]:
    """Return the Celery settings that the publisher and the worker must share.

    Every key and channel of Celery in Redis begins with the prefix: queues, unacknowledged messages, task events and
    remote control. Installations with different prefixes therefore never see each other.

    The visibility timeout (600 s) exceeds the longest call that the settings allow (480 s and its grace period) and the
    longest countdown (60 s). If it expires nevertheless, the message is delivered twice, which is harmless.
    """
    return {
        "broker_url": celery_url(url),
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": {
            "global_keyprefix": key_prefix(prefix),
            "visibility_timeout": 600,
            "priority_steps": list(range(PRIORITIES)),
            "socket_timeout": 30,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
        },
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "task_create_missing_queues": False,
        "task_default_queue": THOUGHTS_QUEUE,
    }
