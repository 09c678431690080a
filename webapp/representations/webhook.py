"""The webhooks of an account."""

from uuid import UUID

from pydantic import Field

from webapp.representations.base import Representation, UtcTime


class Webhook(Representation):
    """Where the ends of the account's thoughts are sent to."""

    id: UUID
    url: str
    events: list[str]
    with_text: bool
    created_at: UtcTime
    last_sent_at: UtcTime | None = Field(description="When an event was last sent, with or without success.")
    last_result: str | None = Field(description="What became of it, for a person.")
    failing_since: UtcTime | None = Field(description="Since when every attempt has failed.")
    disabled_at: UtcTime | None = Field(
        description="When it was disabled, because it had failed for a day, answered 410, or the password was reset."
    )
    waiting: int = Field(description="Events that are still to be sent.")


class NewlyCreatedWebhook(Webhook):
    """A new webhook with the secret of its signatures, which no other answer has."""

    secret: str = Field(description="`whsec_` and the key, as https://www.standardwebhooks.com defines it.")


class WebhookList(Representation):
    """The webhooks of an account, the oldest first."""

    items: list[Webhook]
