"""Everything that is stored about a person, as one object. It is written part by part, so no object of it exists."""

from typing import Any
from uuid import UUID

from pydantic import Field

from webapp.representations.base import Representation, UtcTime
from webapp.representations.thought import Thought


class ExportedProfile(Representation):
    """A profile that was replaced."""

    user_id: UUID = Field(description="The account, or one of the joined browsers; each counts its own versions.")
    version: int
    profile: dict[str, Any]
    replaced_at: UtcTime


class JoinedBrowser(Representation):
    """An anonymous user whose thoughts became those of the account, when the account signed in with its browser."""

    user_id: UUID
    created_at: UtcTime
    profile: dict[str, Any] = Field(description="With which its thoughts were written.")


class ExportedToken(Representation):
    """An API token, without what it opens."""

    name: str
    scopes: list[str]
    created_at: UtcTime
    expires_at: UtcTime
    last_used_at: UtcTime | None


class ExportedWebhook(Representation):
    """A webhook, without the key of its signatures."""

    url: str
    events: list[str]
    with_text: bool
    created_at: UtcTime
    last_sent_at: UtcTime | None
    last_result: str | None
    failing_since: UtcTime | None
    disabled_at: UtcTime | None


class ExportedSignIn(Representation):
    """A browser in which the account is signed in."""

    created_at: UtcTime
    last_used_at: UtcTime
    user_agent: str


class SecurityEvent(Representation):
    """Something that happened to the account."""

    at: UtcTime
    kind: str
    address: str
    details: dict[str, Any]


class Export(Representation):
    """Everything that is stored about a person; no secret, and nothing of others."""

    exported_at: UtcTime
    user_id: UUID
    email: str | None
    created_at: UtcTime
    profile: dict[str, Any] = Field(description="As `GET /profile` answers, without the user.")
    joined_browsers: list[JoinedBrowser]
    former_profiles: list[ExportedProfile]
    thoughts: list[Thought]
    api_tokens: list[ExportedToken]
    webhooks: list[ExportedWebhook]
    sign_ins: list[ExportedSignIn]
    security_events: list[SecurityEvent]
