"""librdkafka's message -> a record of ours, for whoever reads the work topic."""

import logging

from confluent_kafka import Message

from bridge.records.parse import parse_record
from bridge.records.types import InvalidRecord, Record
from contracts.dead_letters import origin

log = logging.getLogger(__name__)


def decode_message(topic: str, message: "Message[bytes, bytes]") -> Record | InvalidRecord:
    """What the message says, or why it cannot be read; its offset is the record's."""
    where = origin(topic, message.partition() or 0, message.offset() or 0, message.timestamp()[1])
    return parse_record(where, message.value(), decode_headers(message), _key(message))


def decode_headers(message: "Message[bytes, bytes]") -> list[tuple[str, bytes | None]]:
    """None at all where a name is not UTF-8: confluent-kafka raises then, and no record may end the bridge."""
    try:
        found = message.headers() or []
    except (SystemError, UnicodeDecodeError):
        log.warning("The headers at offset %s of partition %s cannot be read.", message.offset(), message.partition())
        return []
    pairs = list(found.items()) if isinstance(found, dict) else found
    return [(name, value.encode() if isinstance(value, str) else value) for name, value in pairs]


def _key(message: "Message[bytes, bytes]") -> bytes | None:
    key: str | bytes | None = message.key()
    return key.encode() if isinstance(key, str) else key
