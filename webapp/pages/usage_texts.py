"""Says in words who made a result, and what it and all results together used. What is unknown is shown as unknown."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from contracts.model_settings import MODEL_PROVIDERS
from webapp.usage import Usage

_WITHOUT_MODEL: Final = {"offline": "rules", "scripted": "scripted results"}
"""What the results of the providers without a model come from."""


def describe_origin(agent: Mapping[str, Any], duration: str, *, reads_profile: bool) -> str:
    """Return who made the result of a completed agent, such as "rules of version 2, 12 ms".

    `agent` is the agent's part of a thought's JSON.
    """
    parts = [*_author(agent), duration]
    if reads_profile and agent["profile_version"]:
        parts.append(f"your profile of version {agent['profile_version']}")
    return ", ".join(parts)


def describe_usage(usage: Usage) -> str:
    """Return the sums of a thought, such as "5 calls, at least 412 + 188 tokens, $0.0021"."""
    calls = "1 call" if usage.calls == 1 else f"{usage.calls:,} calls"
    return ", ".join((calls, describe_tokens(usage), describe_cost(usage)))


def describe_tokens(usage: Usage) -> str:
    """Return how many tokens were read and written."""
    tokens_in, tokens_out = usage.tokens_in, usage.tokens_out
    if tokens_in is None and tokens_out is None:
        return "tokens unknown"
    if not tokens_in and not tokens_out:
        return "no tokens" if usage.tokens_complete else "tokens unknown"
    figures = " + ".join("unknown" if number is None else f"{number:,}" for number in (tokens_in, tokens_out))
    return f"{_at_least(usage.tokens_complete)}{figures} tokens"


def describe_cost(usage: Usage) -> str:
    """Return the cost in US dollars."""
    if not usage.cost_usd:
        return "no cost" if usage.cost_usd is not None and usage.cost_complete else "cost unknown"
    return f"{_at_least(usage.cost_complete)}{format_cost(usage.cost_usd)}"


def format_cost(cost: Decimal) -> str:
    """Return an amount of US dollars with cents, or with two significant digits where it is smaller."""
    return f"${cost:,.{min(6, max(2, 1 - cost.adjusted()))}f}"


def _author(agent: Mapping[str, Any]) -> list[str]:
    provider, model, version = agent["provider"], agent["model"], agent["version"]
    if provider not in MODEL_PROVIDERS:
        return [f"{_WITHOUT_MODEL.get(provider, model)} of version {version}"]
    usage = _usage_of_result(agent)
    return [f"{provider} {model}", f"prompt version {version}", describe_tokens(usage), describe_cost(usage)]


def _usage_of_result(agent: Mapping[str, Any]) -> Usage:
    """Return what the saved call used. Its repeats are part of the thought's sums only."""
    cost = agent["cost_usd"]
    return Usage(1, agent["tokens_in"], agent["tokens_out"], None if cost is None else Decimal(str(cost)))


def _at_least(is_complete: bool) -> str:
    return "" if is_complete else "at least "
