"""Reads bodies, queries and headers of requests into Pydantic models, which also describe them in the document."""

from collections.abc import Callable
from typing import Annotated, Final, TypeVar
from uuid import UUID

from flask import request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError

from webapp.ids import parse_id
from webapp.operations import Query
from webapp.problem_types import INVALID_JSON, INVALID_KEY, INVALID_VALUE, UNSUPPORTED_MEDIA_TYPE

Model = TypeVar("Model", bound=BaseModel)
QueryModel = TypeVar("QueryModel", bound=Query)

MAX_KEY_LENGTH: Final = 255
MAX_NUMBER_LENGTH: Final = 3


class Body(BaseModel):
    """The body of a request. Unknown members are rejected, because a misspelt one would be lost silently."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


def invalid(message: str) -> PydanticCustomError:
    """Return the error of a validator: what to send instead, without a full stop."""
    return PydanticCustomError("invalid", "{message}", {"message": message})


def number_up_to(maximum: int) -> Callable[[str], int]:
    """Return a validator of a number from 1 to `maximum`, written with at most three digits."""

    def read(value: str) -> int:
        is_number = value.isascii() and value.isdigit() and len(value) <= MAX_NUMBER_LENGTH
        number = int(value) if is_number else 0
        if not 1 <= number <= maximum:
            raise invalid(f"send a number from 1 to {maximum}")
        return number

    return read


def number_schema(maximum: int) -> WithJsonSchema:
    """Return the JSON schema of the same number."""
    return WithJsonSchema({"type": "integer", "minimum": 1, "maximum": maximum})


def _user_id(value: str) -> UUID:
    try:
        return parse_id(value)
    except ValueError:
        raise invalid("send a UUID") from None


UserIdParameter = Annotated[
    UUID | None, BeforeValidator(_user_id), WithJsonSchema({"type": "string", "format": "uuid"}),
    Field(description="The user whose data is read. Without it, the one who sends the request."),
]  # fmt: skip


def requested(model: type[QueryModel]) -> QueryModel:
    """Return the parameters of the request's query. Raises an invalid-value problem."""
    sent = {name: request.args[name] for name in model.model_fields if name in request.args}
    try:
        return model.model_validate({name: value for name, value in sent.items() if value or name in model.keeps_empty})
    except ValidationError as error:
        first = error.errors()[0]
        raise INVALID_VALUE.error(f"{first['loc'][0]}: {first['msg']}.") from None


def sent_body(model: type[Model], name: str) -> Model:
    """Return the body of a request that takes JSON only; `name` is what it holds, for the error.

    Raises an unsupported-media-type, invalid-json or invalid-value problem.
    """
    if not request.is_json:
        raise UNSUPPORTED_MEDIA_TYPE.error(f"Send the {name} as application/json.")
    return parsed_body(model)


def parsed_body(model: type[Model]) -> Model:
    """Return the JSON body. Raises an invalid-json or invalid-value problem."""
    try:
        return model.model_validate_json(request.get_data())
    except ValidationError as invalid_body:
        error = invalid_body.errors()[0]
        if error["type"] == "json_invalid":
            raise INVALID_JSON.error(f"The body is not valid JSON: {error['msg']}.") from None
        field = ".".join(str(part) for part in error["loc"]) or "the body"
        raise INVALID_VALUE.error(f"{field}: {error['msg']}.") from None


def idempotency_key() -> str | None:
    """Return the request's Idempotency-Key, or None. Raises an invalid-idempotency-key problem."""
    key = request.headers.get("Idempotency-Key")
    return None if key is None else checked_key(key)


def checked_key(key: str) -> str:
    """Return the key. Raises an invalid-idempotency-key problem."""
    if not (0 < len(key) <= MAX_KEY_LENGTH and key.isprintable()):
        raise INVALID_KEY.error(f"Idempotency-Key: send 1 to {MAX_KEY_LENGTH} printable characters.")
    return key
