"""Made-up results that say so: valid for every agent, the same for the same text, cheap to make."""

import zlib
from collections.abc import Callable, Mapping
from typing import Any, get_args

from agents.classification import ThoughtType, Tone, Urgency
from agents.priority import LEVELS
from agents.value_impact import DIMENSIONS

EXPLANATION = "Scripted: a made-up result for tests and benches."

_EXTRA_FIELD: Mapping[str, Mapping[str, Any]] = {
    "economic": {"timeframe": "scripted"},
    "relational": {"affected_relationships": []},
    "legacy": {"long_term_impact": EXPLANATION},
    "health": {"physical_mental": "both"},
    "growth": {"learning_areas": ["scripted"]},
}


def sample(agent_name: str, text: str) -> Mapping[str, Any]:
    """What the scripted provider claims for an agent and a text."""
    return _SAMPLES[agent_name](zlib.crc32(text.encode("utf-8", "surrogatepass")))


def _pick(choices: tuple[Any, ...], seed: int) -> Any:
    return choices[seed % len(choices)]


def _classification(seed: int) -> Mapping[str, Any]:
    return {
        "type": _pick(get_args(ThoughtType), seed),
        "urgency": _pick(get_args(Urgency), seed),
        "entities": {"people": [], "dates": [], "places": [], "topics": []},
        "emotional_tone": _pick(get_args(Tone), seed),
        "implied_needs": ["scripted"],
        "complexity": "simple",
    }


def _analysis(seed: int) -> Mapping[str, Any]:
    return {
        "goal_alignment": {"aligned_goals": [], "conflicting_goals": [], "reasoning": EXPLANATION},
        "underlying_needs": [f"scripted {seed % 10}"],
        "pattern_connections": [],
        "realistic_assessment": {
            "feasibility": EXPLANATION,
            "given_constraints": EXPLANATION,
            "time_required": EXPLANATION,
        },
        "unspoken_factors": [],
        "opportunity_cost": EXPLANATION,
    }


def _value_impact(seed: int) -> Mapping[str, Any]:
    values = {f"{name}_value": _value(name, seed + number) for number, name in enumerate(DIMENSIONS)}
    return {**values, "overall_assessment": EXPLANATION}


def _value(name: str, seed: int) -> Mapping[str, Any]:
    return {"score": seed % 11, "reasoning": EXPLANATION, "confidence": 0.5, **_EXTRA_FIELD[name]}


def _action_plan(seed: int) -> Mapping[str, Any]:
    return {
        "quick_wins": [{"action": EXPLANATION, "duration": "scripted", "timing": "scripted", "outcome": EXPLANATION}],
        "main_actions": [],
        "delegation_opportunities": [],
        "avoid": [],
        "success_metrics": [f"scripted {seed % 10}"],
    }


def _priority(seed: int) -> Mapping[str, Any]:
    return {
        "priority_level": _pick(LEVELS, seed),
        "urgency_reasoning": EXPLANATION,
        "strategic_fit": EXPLANATION,
        "momentum_impact": EXPLANATION,
        "recommended_timeline": {"start": "scripted", "duration": "scripted", "checkpoints": []},
        "dependencies": [],
        "risk_assessment": EXPLANATION,
        "confidence": 0.5,
        "final_recommendation": EXPLANATION,
    }


_SAMPLES: Mapping[str, Callable[[int], Mapping[str, Any]]] = {
    "classification": _classification,
    "analysis": _analysis,
    "value_impact": _value_impact,
    "action_plan": _action_plan,
    "priority": _priority,
}
