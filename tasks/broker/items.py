"""Decides whether an item of a broker's list is a Celery message at all. Pure.

Every client of the broker can add to its lists. Celery and kombu expect each item to be one of their messages: most
other items end the worker, or return to the list and restart it without end.
"""

import base64
from typing import Annotated, Any, Final, Literal

from kombu.utils.json import loads
from pydantic import BaseModel, ConfigDict, Field, ValidationError

MAX_ITEM_BYTES: Final = 1024 * 1024
"""The largest message; those of this application have a few KB."""


class RefusedItemError(Exception):
    """Raised for an item that must be dropped: its kind in `contracts.dropped_messages`, and a detail for the log that
    contains nothing of the item."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


class _StrictModel(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class _DeliveryInfo(_StrictModel):
    exchange: str
    routing_key: str


class _Properties(_StrictModel):
    delivery_tag: Annotated[str, Field(min_length=1, max_length=200)]
    delivery_info: _DeliveryInfo
    body_encoding: Literal["base64"]


class _Headers(_StrictModel):
    compression: None = None
    """This application compresses nothing, and a small item could decompress to gigabytes."""


class _Envelope(_StrictModel):
    body: str
    properties: _Properties
    headers: _Headers
    content_type: Annotated[Literal["application/json"], Field(alias="content-type")]
    content_encoding: Annotated[Literal["utf-8"], Field(alias="content-encoding")]


def parse_item(item: bytes) -> dict[str, Any]:
    """Return the message of which kombu can make a `Message` without an error. Raises RefusedItemError."""
    if len(item) > MAX_ITEM_BYTES:
        raise RefusedItemError("too_large", f"more than {MAX_ITEM_BYTES} bytes")
    try:
        message = loads(item)
    except Exception as error:  # noqa: BLE001  JSON can ask kombu for types whose constructors raise anything
        raise RefusedItemError("not_a_message", f"{type(error).__name__} while its JSON was decoded") from None
    check_envelope(message)
    return dict(message)


def check_envelope(message: Any) -> None:
    """Check what kombu reads of a message that is decoded already. Raises RefusedItemError."""
    try:
        envelope = _Envelope.model_validate(message)
        base64.b64decode(envelope.body)
    except ValidationError as error:
        raise RefusedItemError("not_a_message", describe_invalid(error)) from None
    except ValueError:
        raise RefusedItemError("not_a_message", "its body is not base64") from None


def describe_invalid(error: ValidationError) -> str:
    """Return where the first invalid field is and what is wrong with it, without its value.

    Only names of fields of our own models can be part of a place: the models have no dictionaries with typed values.
    """
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['type']}" if place else first["type"]
