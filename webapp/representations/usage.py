"""What calls of agents used: the sums of one thought, and those of a user per day."""

from datetime import date
from uuid import UUID

from pydantic import Field

from webapp.representations.base import Representation


class Usage(Representation):
    """What some calls used. A sum without any known part is null, never 0."""

    calls: int = Field(description="Calls of agents, those that were repeated included.")
    tokens_in: int | None
    tokens_out: int | None
    tokens_complete: bool = Field(description="false: a part is unknown, and the sums are lower bounds.")
    cost_usd: float | None
    cost_complete: bool = Field(description="false: a part is unknown, and the sum is a lower bound.")


class DayUsage(Usage):
    """The sums of one day in UTC."""

    day: date


class UserUsage(Representation):
    """The sums of a user, in all and for each day with a result, the latest first."""

    user_id: UUID | None = Field(description="null: the request has no user, who used nothing.")
    since: date = Field(description="The first day that is counted.")
    total: Usage
    days: list[DayUsage]
