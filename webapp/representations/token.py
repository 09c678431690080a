"""The API tokens of an account, without what they open; and the ticket of a stream."""

from uuid import UUID

from pydantic import Field

from webapp.representations.base import Representation, UtcTime


class ApiToken(Representation):
    """A token of the account. Its secret was shown once, on the page that created it."""

    id: UUID
    name: str
    scopes: list[str] = Field(description="What it may do: read, write, stream and export; none includes another.")
    created_at: UtcTime
    expires_at: UtcTime
    last_used_at: UtcTime | None = Field(description="Within five minutes.")
    is_expired: bool


class ApiTokenList(Representation):
    """The tokens of an account, the latest first."""

    items: list[ApiToken]


class StreamLink(Representation):
    """Where a ticket leads."""

    stream: str = Field(description="The path that opens the stream, once.")


class StreamTicket(Representation):
    """A ticket for one stream, for clients such as EventSource that cannot send a header."""

    ticket: str
    expires_in_seconds: int
    links: StreamLink
