"""Decides whether a Celery message is one of this application's tasks, so that Celery can run it. Pure.

Celery looks at a message while it runs it: at an odd one it raises in its event loop, keeps it for a time centuries
ahead, or fails after the step is saved. The messages of a bridge and of a worker that sends the next step have one
shape, so it is checked in one place.
"""

from collections.abc import Set
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from tasks.broker.items import RefusedItemError, describe_invalid

MAX_ETA_SECONDS: Final = 600.0
"""How far ahead a message may ask to be run. A requeued step waits for at most a minute; a later time would keep the
message in a worker, and then in the next one, for ever."""

MAX_TOKEN: Final = 2**63 - 1


def _is_uuid(text: str) -> str:
    UUID(text)
    return text


TaskId = Annotated[str, Field(pattern=r"^[\w.:@-]{1,200}$")]
"""Written to the log, so it must be one word."""

Token = Annotated[int, Field(ge=0, le=MAX_TOKEN)]
Arguments = tuple[Annotated[str, AfterValidator(_is_uuid)], Token]
Empty = Annotated[dict[str, Any], Field(max_length=0)]
NoSignatures = Annotated[list[Any], Field(max_length=0)] | None


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class _Headers(_Model):
    """The headers that Celery reads, with the values that this application gives them."""

    task: str
    id: TaskId
    eta: str | None = None
    retries: Annotated[int, Field(ge=0)] = 0
    expires: None = None
    shadow: None = None
    group: None = None
    timelimit: list[None] | None = None
    root_id: TaskId | None = None
    parent_id: TaskId | None = None
    argsrepr: str | None = None
    kwargsrepr: str | None = None
    origin: str | None = None
    ignore_result: bool | None = None
    replaced_task_nesting: Annotated[int, Field(ge=0)] | None = None
    stamped_headers: NoSignatures = None
    stamps: Empty | None = None


class _Options(_Model):
    """The options with which Celery sends a later step."""

    queue: str
    task_id: TaskId
    root_id: TaskId | None = None
    argsrepr: str | None = None
    kwargsrepr: str | None = None
    priority: Annotated[int, Field(ge=0, le=9)] | None = None
    countdown: None = None
    eta: None = None
    expires: None = None
    link: NoSignatures = None
    link_error: NoSignatures = None
    serializer: Literal["json"] | None = None
    compression: None = None
    exchange: Literal[""] | None = None


class _LaterStep(_Model):
    task: str
    args: Arguments
    keyword_arguments: Annotated[Empty, Field(alias="kwargs")]
    options: _Options
    immutable: Literal[True]
    subtask_type: None = None


class _Embed(_Model):
    callbacks: NoSignatures = None
    errbacks: NoSignatures = None
    chord: None = None
    chain: list[_LaterStep] | None = None


_BODY: Final[TypeAdapter[tuple[Arguments, Empty, _Embed]]] = TypeAdapter(
    tuple[Arguments, Empty, _Embed], config=ConfigDict(strict=True)
)


def check_task_message(
    headers: Any, body: bytes | None, *, tasks: Set[str], queues: Set[str], now: datetime | None = None
) -> None:
    """Check that Celery can run the message: one of `tasks`, with the arguments of a step and later steps alike.

    Raises RefusedItemError.
    """
    try:
        checked = _Headers.model_validate(headers)
        _, _, embed = _BODY.validate_json(body or b"")
    except ValidationError as error:
        raise RefusedItemError("invalid_task", describe_invalid(error)) from None
    later_steps = embed.chain or []
    if not {checked.task, *(step.task for step in later_steps)} <= tasks:
        raise RefusedItemError("unknown_task", "it, or a later step, is not registered")
    if not {step.options.queue for step in later_steps} <= queues:
        raise RefusedItemError("invalid_task", "a later step names a queue that does not exist")
    _check_eta(checked.eta, now or datetime.now(UTC))


def _check_eta(eta: str | None, now: datetime) -> None:
    if eta is None:
        return
    try:
        due_at = datetime.fromisoformat(eta)
        is_near = due_at - now <= timedelta(seconds=MAX_ETA_SECONDS)
    except (ValueError, TypeError, OverflowError):
        raise RefusedItemError("invalid_task", "eta: is no time with a time zone") from None
    if not is_near:
        raise RefusedItemError("invalid_task", f"eta: is more than {MAX_ETA_SECONDS:g} s ahead")
