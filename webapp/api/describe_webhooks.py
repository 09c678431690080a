"""Describes the calls of webhooks for the OpenAPI document, and reads the body of a new one."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Field, StrictBool, WithJsonSchema

from contracts.webhooks import EVENT_TYPES, MAX_URL_LENGTH, EventType
from webapp.api.requests import Body
from webapp.operations import Answer, Operation
from webapp.problem_types import (
    INVALID_JSON,
    INVALID_VALUE,
    NOT_FOUND,
    TOO_MANY_WEBHOOKS,
    UNSUPPORTED_MEDIA_TYPE,
)
from webapp.representations import NewlyCreatedWebhook, WebhookList

TAG: Final = "Webhooks"

_NEEDS_BOTH: Final = "A token needs the scopes `write` and `read`: the webhook goes on when the token has ended."


class NewWebhook(Body):
    """The body of a POST."""

    url: Annotated[
        str,
        WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_URL_LENGTH, "format": "webhook-url"}),
        Field(description="An address that begins with https://, of a host that everybody can reach."),
    ]
    events: list[EventType] = Field(list(EVENT_TYPES), min_length=1, description="Which events are sent.")
    with_text: StrictBool = Field(False, description="Whether the thought's text is part of each event.")


def _link(operation: str) -> Mapping[str, Any]:
    return {"operationId": operation, "parameters": {"webhook_id": "$response.body#/id"}}


LIST: Final = Operation(
    id="listWebhooks",
    tag=TAG,
    summary="List the account's webhooks",
    description="Returns all of them, the oldest first, without their secrets.",
    answers={200: Answer("The webhooks.", WebhookList)},
)

CREATE: Final = Operation(
    id="createWebhook",
    tag=TAG,
    summary="Create a webhook",
    description=(
        "The ends of later thoughts are sent to it; an installation without Kafka sends only test events. Only this "
        f"answer has its secret. {_NEEDS_BOTH}"
    ),
    body=NewWebhook,
    answers={
        201: Answer(
            "The webhook, with its secret.",
            NewlyCreatedWebhook,
            links={name: _link(f"{name}Webhook") for name in ("test", "enable", "delete")},
        )
    },
    problems=(INVALID_JSON, UNSUPPORTED_MEDIA_TYPE, INVALID_VALUE, TOO_MANY_WEBHOOKS),
)

DELETE: Final = Operation(
    id="deleteWebhook",
    tag=TAG,
    summary="Delete a webhook",
    description="Deletes it with the events that wait for it.",
    answers={204: Answer("The webhook is deleted.")},
    problems=(NOT_FOUND,),
)

TEST: Final = Operation(
    id="testWebhook",
    tag=TAG,
    summary="Send a test event",
    description="Queues one event of the type `ping`, unless one waits already. The list shows its result.",
    answers={202: Answer("The event waits to be sent.")},
    problems=(NOT_FOUND,),
)

ENABLE: Final = Operation(
    id="enableWebhook",
    tag=TAG,
    summary="Enable a webhook again",
    description="Enables a webhook that was disabled: it failed for a day, answered 410, or the password was reset. "
    f"The events that wait for it are then sent. {_NEEDS_BOTH}",
    answers={204: Answer("The webhook is enabled.")},
    problems=(NOT_FOUND,),
)
