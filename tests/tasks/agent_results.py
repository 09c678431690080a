"""Results as a provider returns them."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from agents.interface import AgentResult


class Loose(BaseModel):
    """An output that checks nothing, as a careless provider's would."""

    model_config = ConfigDict(extra="allow")


def a_result(fields: dict[str, Any] | None = None, **columns: Any) -> AgentResult:
    """A result with everything filled in that a test does not care about."""
    given: dict[str, Any] = {
        "output": Loose.model_construct(**(fields or {"said": "yes"})),
        "provider": "tests",
        "model": "none",
        "version": "1",
        "tokens_in": 3,
        "tokens_out": 5,
        "cost_usd": None,
    }
    return AgentResult(**(given | columns))
