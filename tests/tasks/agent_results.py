"""Agent results as a provider returns them."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from agents.interface import AgentResult


class UncheckedOutput(BaseModel):
    """An output without validation, as a faulty provider might return it."""

    model_config = ConfigDict(extra="allow")


def make_result(output_fields: dict[str, Any] | None = None, **columns: Any) -> AgentResult:
    """Return a result with these output fields and attributes, and defaults for all others."""
    defaults: dict[str, Any] = {
        "output": UncheckedOutput.model_construct(**(output_fields or {"answer": "yes"})),
        "provider": "tests",
        "model": "none",
        "version": "1",
        "tokens_in": 3,
        "tokens_out": 5,
        "cost_usd": None,
    }
    return AgentResult(**(defaults | columns))
