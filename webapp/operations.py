"""Describes a call of the API beside its view: what it takes, what it answers, and which problems it has.

`webapp.api.document` makes the OpenAPI document from these descriptions and the Pydantic models that they name. A view
that is not described is not part of the API, and a test lists which ones those are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, TypeVar

from pydantic import BaseModel, ConfigDict

from webapp.problem_types import ProblemType

View = TypeVar("View", bound=Callable[..., Any])

JSON: Final = "application/json"


class Query(BaseModel):
    """The parameters of a query. Unknown ones are ignored, and an empty one counts as absent."""

    model_config = ConfigDict(hide_input_in_errors=True)

    keeps_empty: ClassVar[frozenset[str]] = frozenset()
    """Parameters of which an empty value is refused instead."""


@dataclass(frozen=True, slots=True)
class Header:
    """A header of a request or an answer. `schema` is its JSON schema."""

    name: str
    description: str
    schema: Mapping[str, Any]
    required: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer. Without a model it has no body, or one of another type than JSON."""

    description: str
    model: type[BaseModel] | None = None
    media_type: str = JSON
    text_type: str | None = None
    """Another type, of text without a schema, that the request can choose instead."""
    headers: tuple[Header, ...] = ()
    links: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """OpenAPI's links: which calls can follow, and where their parameters come from."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A call of the API. `id` is its operationId, which never changes."""

    id: str
    tag: str
    summary: str
    description: str
    answers: Mapping[int, Answer]
    problems: tuple[ProblemType, ...] = ()
    """Those of this call; the ones that every call has are added."""
    query: type[Query] | None = None
    body: type[BaseModel] | None = None
    headers: tuple[Header, ...] = ()


def described(operation: Operation) -> Callable[[View], View]:
    """Attach the description to a view."""

    def attach(view: View) -> View:
        view.operation = operation  # type: ignore[attr-defined]  # read by `operation_of`
        return view

    return attach


def operation_of(view: Callable[..., Any] | None) -> Operation | None:
    """Return the description of a view, or None when it is not part of the API."""
    found = getattr(view, "operation", None)
    return found if isinstance(found, Operation) else None
