"""The JSON of the API's answers, as Pydantic models: what is sent is made from them, and so is the OpenAPI document."""

from webapp.representations.base import Representation, isoformat_utc, json_response
from webapp.representations.export import Export
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
from webapp.representations.token import ApiToken, ApiTokenList, StreamLink, StreamTicket
from webapp.representations.usage import DayUsage, Usage, UserUsage
from webapp.representations.webhook import NewlyCreatedWebhook, Webhook, WebhookList

__all__ = [
    "AcceptedThought",
    "Agent",
    "ApiToken",
    "ApiTokenList",
    "BatchAnswer",
    "BatchResult",
    "DayUsage",
    "Export",
    "Failure",
    "Links",
    "ListedThought",
    "NewlyCreatedWebhook",
    "Problem",
    "Representation",
    "SimilarThought",
    "SourceThought",
    "Status",
    "StreamLink",
    "StreamTicket",
    "Thought",
    "ThoughtList",
    "Usage",
    "UserUsage",
    "Webhook",
    "WebhookList",
    "isoformat_utc",
    "json_response",
]
