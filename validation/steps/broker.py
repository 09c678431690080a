"""Step 2: the Kafka broker answers, and each partition of the work topic has a leader."""

import time
from collections.abc import Mapping
from typing import Final

from validation.outcome import StepFailedError
from validation.site import Site
from validation.waiting import milliseconds_since

METADATA_SECONDS: Final = 5.0
NO_LEADER: Final = -1


def check_broker(site: Site) -> str:
    """Request the metadata of the cluster, of all topics, because asking for one may create it."""
    started_at = time.monotonic()
    metadata = site.kafka_admin.list_topics(timeout=METADATA_SECONDS)
    milliseconds = milliseconds_since(started_at)
    name = site.settings.kafka_topic
    topic = metadata.topics.get(name)
    leaders = {number: partition.leader for number, partition in topic.partitions.items()} if topic else {}
    partitions = judge_partitions(name, leaders, site.settings.kafka_partitions)
    address = site.settings.kafka_bootstrap_servers
    return f"Kafka at {address} answered in {milliseconds} ms, {len(metadata.brokers)} broker(s); {partitions}"


def judge_partitions(topic: str, leaders: Mapping[int, int], wanted: int) -> str:
    """Return the topic's partitions. `leaders` maps each one to its broker, or to NO_LEADER.

    Raises StepFailedError when there are fewer than wanted, or when one has no leader.
    """
    if len(leaders) < wanted:
        raise StepFailedError(
            f"the topic {topic} has {len(leaders)} partition(s), KAFKA_PARTITIONS is {wanted}",
            "create missing topics with `python -m bridge create-topics`; it does not change an existing topic: add "
            "partitions with kafka-topics.sh --alter, or lower KAFKA_PARTITIONS",
        )
    if without := sorted(number for number, leader in leaders.items() if leader == NO_LEADER):
        raise StepFailedError(
            f"partition {', '.join(map(str, without))} of {topic} has no leader",
            "start the brokers that hold its replicas, and read their logs",
        )
    return f"{topic} has partitions {', '.join(map(str, sorted(leaders)))}, each with a leader"
