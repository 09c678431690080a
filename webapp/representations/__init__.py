"""The JSON of the API's answers, as Pydantic models: what is sent is made from them, and so is the OpenAPI document."""

from webapp.representations.base import Representation, isoformat_utc, json_response
from webapp.representations.problem import Problem
from webapp.representations.thought import (
    AcceptedThought,
    Agent,
    BatchAnswer,
    BatchResult,
    Failure,
    Links,
    ListedThought,
    SimilarThought,
    SourceThought,
    Status,
    Thought,
    ThoughtList,
)
from webapp.representations.usage import DayUsage, Usage, UserUsage

__all__ = [
    "AcceptedThought",
    "Agent",
    "BatchAnswer",
    "BatchResult",
    "DayUsage",
    "Failure",
    "Links",
    "ListedThought",
    "Problem",
    "Representation",
    "SimilarThought",
    "SourceThought",
    "Status",
    "Thought",
    "ThoughtList",
    "Usage",
    "UserUsage",
    "isoformat_utc",
    "json_response",
]
