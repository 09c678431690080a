"""Detects that two installations share one consumer group, which cannot work.

Kafka gives each partition to one member of a group, so each installation would read only a part of its own records. The
client ids of the members name their installation, which Kafka shows to every client that may describe the group. A
bridge refuses to join a group with a member of another installation. Two that join at the same moment notice each
other afterwards; then those of the installation with the higher id leave.
"""

import logging
import re
from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from bridge.kafka.config import client_config
from contracts.log_throttle import LogThrottle
from contracts.settings import Settings

log = logging.getLogger(__name__)

CHECK_INTERVAL_SECONDS: Final = 10.0
REQUEST_TIMEOUT_SECONDS: Final = 5.0

_CLIENT_ID: Final = re.compile("bridge-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


class SharedGroupError(Exception):
    """Raised when bridges of another installation are in the consumer group. The message is one line with the cure."""


def client_id(installation_id: str) -> str:
    """Return the client id of a bridge, which names its installation unless that is unknown."""
    return f"bridge-{installation_id}" if installation_id else "bridge"


def other_installations(client_ids: Iterable[str], own_id: str) -> list[str]:
    """Return the installations, other than ours, of the bridges with these client ids, in order.

    A bridge of an earlier release, and a client of another system, names none.
    """
    named = {match[1] for name in client_ids if (match := _CLIENT_ID.fullmatch(name))}
    return sorted(named - {own_id})


class GroupWatch:
    """Checks the members of the group: `require_own` before this bridge joins, `check_when_due` while it runs."""

    def __init__(self, admin: AdminClient, group: str, installation_id: str) -> None:
        self._admin = admin
        self._group = group
        self._installation_id = installation_id
        self._requested_at = float("-inf")
        self._request: Future[Any] | None = None
        self._throttle = LogThrottle()

    def require_own(self) -> None:
        """Wait for the group's members. Raises SharedGroupError when one is of another installation.

        When Kafka is unavailable, or the group does not exist or may not be described, nothing is known and nothing
        raised.
        """
        if others := self._others(self._describe()):
            raise SharedGroupError(self._line(others))

    def check_when_due(self, now: float) -> None:
        """Check every CHECK_INTERVAL_SECONDS, without waiting for Kafka.

        Raises SharedGroupError when this installation is the one that must leave the group.
        """
        if self._request is None and now - self._requested_at >= CHECK_INTERVAL_SECONDS:
            self._requested_at, self._request = now, self._describe()
        if self._request is None or not self._request.done():
            return
        request, self._request = self._request, None
        if not (others := self._others(request)):
            return
        if others[0] < self._installation_id:
            raise SharedGroupError(self._line(others))
        if self._throttle.allow("shared"):
            log.error("ALARM: %s. Its bridges leave the group.", self._line(others))

    def _describe(self) -> "Future[Any]":
        return self._admin.describe_consumer_groups([self._group], request_timeout=REQUEST_TIMEOUT_SECONDS)[self._group]

    def _others(self, request: "Future[Any]") -> list[str]:
        try:
            members = request.result(2 * REQUEST_TIMEOUT_SECONDS).members
        except (KafkaException, TimeoutError) as error:
            log.debug("The members of the consumer group are unknown: %s", error)
            return []
        return other_installations([member.client_id for member in members], self._installation_id)

    def _line(self, others: list[str]) -> str:
        return (
            f"KAFKA_CONSUMER_GROUP: bridges of another installation ({', '.join(others)}) are in the group "
            f"{self._group}; set it, and KAFKA_TOPIC, KAFKA_DEAD_LETTER_TOPIC and KAFKA_EVENTS_TOPIC, to names of this "
            f"installation's own ({self._installation_id})"
        )


def check_group(settings: Settings, installation_id: str) -> None:
    """Check the group of the settings once. Raises SharedGroupError as GroupWatch.require_own does."""
    admin = AdminClient(client_config(settings, "check"))
    GroupWatch(admin, settings.kafka_consumer_group, installation_id).require_own()
