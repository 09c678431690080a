"""Decodes librdkafka's messages into records, for every reader of the work topic."""

import logging

from confluent_kafka import Message

from bridge.records.parse import parse_record
from bridge.records.types import ForeignRecord, InvalidRecord, Record
from contracts.dead_letters import origin
from contracts.foreign_items import INSTALLATION_HEADER, is_foreign
from contracts.source_headers import Headers

log = logging.getLogger(__name__)


def decode_message(
    topic: str, message: "Message[bytes, bytes]", own_id: str = ""
) -> Record | InvalidRecord | ForeignRecord:
    """Return the record of a message, or the invalid record and the reason, with the message's offset.

    `own_id` is the id of this installation; a record of another one is not parsed. Without it no record is foreign.
    """
    headers = decode_headers(message)
    sender = sender_of_record(headers)
    if sender is not None and is_foreign(sender, own_id):
        return ForeignRecord(message.offset() or 0, sender)
    record_origin = origin(topic, message.partition() or 0, message.offset() or 0, message.timestamp()[1])
    return parse_record(record_origin, message.value(), without_sender(headers), _key(message))


def sender_of_record(headers: Headers) -> str | None:
    """Return the installation whose relay wrote a record; None for an external producer or an earlier release."""
    senders = [value for name, value in headers if name == INSTALLATION_HEADER]
    return senders[-1].decode("utf-8", "replace") if senders and senders[-1] else None


def without_sender(headers: Headers) -> Headers:
    """Return the headers without the sender, which is no part of the original record."""
    return [pair for pair in headers if pair[0] != INSTALLATION_HEADER]


def decode_headers(message: "Message[bytes, bytes]") -> Headers:
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
