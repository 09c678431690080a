"""Checks that a Kafka broker answers, and knows the topics and their leaders."""

import struct
import time
from collections.abc import Sequence
from typing import Final

from contracts.settings import Settings, SettingsError
from webapp.readiness.kafka_metadata import TopicState, ask_topics
from webapp.readiness.probe import CheckError

TIMEOUT_SECONDS: Final = 1.6
"""Shared by all servers, so that the last one is asked even when the others do not respond."""

_TOPIC_PROBLEMS: Final = {3: "does not exist", 29: "may not be used by this client"}


def check_kafka(settings: Settings) -> None:
    """Check that a broker answers, and knows the topics and their leaders. Raises CheckError."""
    topics = [settings.kafka_topic, settings.kafka_events_topic, settings.kafka_dead_letter_topic]
    states = _ask_any(settings, topics)
    for topic, state in states.items():
        if state.error in _TOPIC_PROBLEMS:
            raise CheckError(f"Kafka's topic {topic} {_TOPIC_PROBLEMS[state.error]}.")
        if state.error or state.leaderless or not state.partitions:
            raise CheckError(f"Kafka's topic {topic} has a partition without a leader (error {state.error}).")


def _ask_any(settings: Settings, topics: Sequence[str]) -> dict[str, TopicState]:
    """Return the answer of the first server that gives one. Raises CheckError."""
    servers = settings.kafka_addresses
    problem = "Kafka is unavailable."
    for address in servers:
        deadline = time.monotonic() + TIMEOUT_SECONDS / len(servers)
        try:
            return ask_topics(settings, address, topics, deadline)
        except TimeoutError:
            problem = "Kafka does not answer."
        except SettingsError as error:  # a file has changed since the start
            raise CheckError(str(error)) from None
        except (OSError, struct.error, ValueError, EOFError):
            continue
    raise CheckError(problem)
