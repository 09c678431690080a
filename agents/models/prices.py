"""Prices the tokens of a call from the library's own list of prices. What is unknown costs None, never 0."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeVar

from genai_prices import calc_price
from pydantic_ai.usage import RequestUsage

from agents.models.services import Endpoint

Number = TypeVar("Number", int, Decimal)


@dataclass(frozen=True, slots=True)
class Spent:
    """What requests used: tokens and US dollars, each None when unknown."""

    tokens_in: int | None
    tokens_out: int | None
    cost_usd: Decimal | None

    def plus(self, other: "Spent") -> "Spent":
        """Return the sum; it is unknown where one of the two is."""
        return Spent(
            _sum(self.tokens_in, other.tokens_in),
            _sum(self.tokens_out, other.tokens_out),
            _sum(self.cost_usd, other.cost_usd),
        )


NOTHING: Final = Spent(0, 0, Decimal(0))


def spent_on(usage: RequestUsage, endpoint: Endpoint) -> Spent:
    """Return what one request used. A server that reports no usage used an unknown number of tokens."""
    if not (usage.input_tokens or usage.output_tokens):
        return Spent(None, None, None)
    return Spent(usage.input_tokens, usage.output_tokens, _cost(usage, endpoint))


def _cost(usage: RequestUsage, endpoint: Endpoint) -> Decimal | None:
    name = endpoint.name
    try:
        if name.provider == "openai-compatible":
            return calc_price(usage, name.model, provider_api_url=endpoint.base_url).total_price
        return calc_price(usage, name.model, provider_id=name.provider).total_price
    except LookupError:
        return None


def _sum(first: Number | None, second: Number | None) -> Number | None:
    return None if first is None or second is None else first + second
