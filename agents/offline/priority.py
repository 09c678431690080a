"""Derives the priority as in an Eisenhower matrix: urgency from the dates, importance from the weighted total."""

from collections.abc import Mapping

from agents.action_plan import ActionPlan
from agents.analysis import Analysis
from agents.classification import Urgency
from agents.evidence import Evidence
from agents.fields import NOT_ASSESSED
from agents.offline.english import join_quoted
from agents.offline.reading import Reading
from agents.output import previous_output
from agents.priority import Priority, Timeline
from agents.priority_floor import PriorityLevel, is_important
from agents.value_impact import ValueImpact

_LEVELS: Mapping[tuple[Urgency, bool], PriorityLevel] = {
    ("immediate", True): "Critical",
    ("immediate", False): "High",
    ("soon", True): "High",
    ("soon", False): "Medium",
    ("eventually", True): "Medium",
    ("eventually", False): "Low",
    ("never", True): "Low",
    ("never", False): "Defer",
}
_URGENCY_REASONS: Mapping[Urgency, str] = {
    "immediate": "its wording says that it cannot wait",
    "soon": "its wording says that it is due soon",
    "eventually": "nothing in it is urgent",
    "never": "its wording says that it need not be done",
}
_STARTS: Mapping[PriorityLevel, str] = {
    "Critical": "today",
    "High": "today or tomorrow",
    "Medium": "this week or next",
    "Low": "when it suits you",
    "Defer": "not now",
}
_ADVICE: Mapping[PriorityLevel, str] = {
    "Critical": "Do it first: it is urgent, and it touches what matters to you.",
    "High": "Make room for it in the next days.",
    "Medium": "Give it a place in your week.",
    "Low": "It can wait; begin with the quick win when you have a free moment.",
    "Defer": "Leave it for now.",
}


def prioritise(reading: Reading) -> Priority:
    """Return the level by urgency and importance. The confidence is low, and 0 when the text is not English."""
    urgency = reading.classification.urgency
    dates = reading.classification.entities.dates[:3] if reading.is_english else []
    level = _LEVELS[urgency, is_important(reading.agent_input)]
    return Priority(
        priority_level=level,
        urgency_reasoning=_urgency_reasoning(reading, dates),
        urgency_evidence=[Evidence(source="thought", quote=quote) for quote in dates],
        strategic_fit=_strategic_fit(reading),
        momentum_impact=_momentum(reading),
        recommended_timeline=_timeline(reading, level),
        dependencies=[],
        risk_assessment=NOT_ASSESSED,
        confidence=_confidence(reading),
        final_recommendation=_ADVICE[level]
        if reading.is_english
        else "No recommendation: the offline rules read English only.",
    )


def _urgency_reasoning(reading: Reading, dates: list[str]) -> str:
    if not reading.is_english:
        return "Not assessed: the offline rules read English only."
    if dates:
        return f"The thought names a date: {_URGENCY_REASONS[reading.classification.urgency]}."
    return f"The thought names no date: {_URGENCY_REASONS[reading.classification.urgency]}."


def _strategic_fit(reading: Reading) -> str:
    analysis = previous_output(Analysis, "analysis", reading.agent_input)
    goals = [goal.quote for goal in analysis.goal_alignment.aligned_goals[:2]] if analysis else []
    return f"It touches your goals {join_quoted(goals)}." if goals else NOT_ASSESSED


def _momentum(reading: Reading) -> str:
    duration = _first_step_duration(reading)
    return f"There is a first step that takes {duration}." if duration else NOT_ASSESSED


def _timeline(reading: Reading, level: PriorityLevel) -> Timeline:
    duration = _first_step_duration(reading)
    start = _STARTS[level] if reading.is_english else NOT_ASSESSED
    return Timeline(start=start, duration=f"{duration} to begin" if duration else NOT_ASSESSED, checkpoints=[])


def _first_step_duration(reading: Reading) -> str | None:
    """Return how long the plan's first quick win takes, or None when there is none."""
    plan = previous_output(ActionPlan, "action_plan", reading.agent_input)
    return plan.quick_wins[0].duration[:100] if plan and plan.quick_wins else None


def _confidence(reading: Reading) -> float:
    """Return a low confidence: in a test with 40 notes the date rules found the right urgency for 25 to 32 of them, and
    urgency is only half of the priority."""
    if not reading.is_english:
        return 0.0
    impact = previous_output(ValueImpact, "value_impact", reading.agent_input)
    return 0.4 if impact and impact.weighted_total is not None else 0.3
