"""Decodes librdkafka's messages into records, for every reader of the work topic."""

import logging

from confluent_kafka import Message

from bridge.records.parse import parse_record
from bridge.records.types import InvalidRecord, Record
from contracts.dead_letters import origin

log = logging.getLogger(__name__)


def decode_message(topic: str, message: "Message[bytes, bytes]") -> Record | InvalidRecord:
    """Return the record of a message, or the invalid record and the reason, with the message's offset."""
    record_origin = origin(topic, message.partition() or 0, message.offset() or 0, message.timestamp()[1])
    return parse_record(record_origin, message.value(), decode_headers(message), _key(message))


def decode_headers(message: "Message[bytes, bytes]") -> list[tuple[str, bytes | None]]:
    """Return the headers in their order, or none at all when a name is not UTF-8.

    confluent-kafka raises in that case, and no record may stop the bridge.
    """
    try:
        headers = message.headers() or []
    except (SystemError, UnicodeDecodeError):
        log.warning(
            "The headers at offset %s of partition %s cannot be decoded and are ignored.",
            message.offset(),
            message.partition(),
        )
        return []
    pairs = list(headers.items()) if isinstance(headers, dict) else headers
    return [(name, value.encode() if isinstance(value, str) else value) for name, value in pairs]


def _key(message: "Message[bytes, bytes]") -> bytes | None:
    key: str | bytes | None = message.key()
    return key.encode() if isinstance(key, str) else key
