"""Step 6: a thought that the web accepts is written to Kafka by the relay."""

from collections.abc import Iterable, Mapping
from typing import Final

from confluent_kafka import Message

from bridge.kafka.topic_reader import Span, TopicItem
from contracts.events import InvalidEventError, parse_created
from validation.outcome import StepFailedError
from validation.queries import OUTBOX_BACKLOG
from validation.site import RecordPosition, Site
from validation.waiting import milliseconds_since, wait_for

TEXT: Final = "Validation: should I water the plants on Friday?"


def check_producer(site: Site) -> str:
    """Submit a thought, and read the records that were written to the work topic since then."""
    try:
        ends = _ends(site)
    finally:  # without Kafka the web accepts it too, and the next steps say how far it came
        thought = site.first_thought = site.visitor.submit(TEXT)
    position = wait_for(lambda: _find(site, thought.id, ends), thought.sent_at + site.seconds)
    if position is None:
        [backlog] = site.database.rows(OUTBOX_BACKLOG)
        raise StepFailedError(
            f"thought {thought.id} was accepted (201), but its record is not in {site.settings.kafka_topic}; "
            f"{backlog.rows} row(s) wait in the outbox, {backlog.parked} of them refused by Kafka",
            "start the relay and read its log: it writes the outbox to Kafka",
        )
    site.first_record = position
    return (
        f"POST /thoughts: 201 in {thought.milliseconds} ms, thought {thought.id}; its record is in "
        f"{site.settings.kafka_topic}, partition {position.partition}, offset {position.offset}, "
        f"{milliseconds_since(thought.sent_at)} ms after the request"
    )


def _ends(site: Site) -> dict[int, int]:
    """Return the next offset of each partition."""
    return {offsets.partition: offsets.readable for offsets in site.topic_reader.partition_offsets(_topic(site))}


def _topic(site: Site) -> str:
    return site.settings.kafka_topic


def _find(site: Site, thought_id: str, ends: dict[int, int]) -> RecordPosition | None:
    """Search the records since `ends`, and advance `ends` past them."""
    spans = new_spans(ends, _ends(site))
    for batch in site.topic_reader.records(_topic(site), spans):
        if (position := position_of(batch, thought_id)) is not None:
            return position
    ends.update({partition: end for partition, _, end in spans})
    return None


def new_spans(before: Mapping[int, int], now: Mapping[int, int]) -> list[Span]:
    """Return what was appended to the partitions. A partition that is new is read from its first offset."""
    return [(number, before.get(number, 0), end) for number, end in now.items() if before.get(number, 0) < end]


def position_of(items: Iterable[TopicItem], thought_id: str) -> RecordPosition | None:
    """Return where the record of a thought is among these, or None."""
    for item in items:
        if isinstance(item, Message) and _thought_of(item) == thought_id:
            return RecordPosition(item.partition() or 0, item.offset() or 0)
    return None


def _thought_of(message: "Message[bytes, bytes]") -> str | None:
    try:
        return str(parse_created(message.value()).thought_id)
    except InvalidEventError:
        return None
