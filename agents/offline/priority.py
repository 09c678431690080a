"""Derives the priority as in an Eisenhower matrix, with its reasons: urgency from the classification and the days that
the thought names, importance from the weighted total."""

import re
from collections.abc import Mapping
from typing import Final

from agents.action_plan import ActionPlan
from agents.analysis import Analysis
from agents.classification import Urgency
from agents.days import day_text, days_from
from agents.evidence import Evidence
from agents.fields import MAX_PHRASE_LENGTH, MAX_SENTENCE_LENGTH, NOT_ASSESSED
from agents.offline.clauses import When, without_date
from agents.offline.english import join_quoted
from agents.offline.harm import harm
from agents.offline.reading import Reading
from agents.output import previous_output
from agents.priority import Priority, Timeline
from agents.priority_floor import PriorityLevel, higher, is_important, lowest_level
from agents.value_impact import ValueImpact

_LEVELS: Final[Mapping[tuple[Urgency, bool], PriorityLevel]] = {
    ("immediate", True): "Critical",
    ("immediate", False): "High",
    ("soon", True): "High",
    ("soon", False): "Medium",
    ("eventually", True): "Medium",
    ("eventually", False): "Low",
    ("never", True): "Low",
    ("never", False): "Defer",
}
_WHEN: Final[Mapping[Urgency, str]] = {"immediate": "today", "soon": "within two weeks", "never": "not now"}
_ADVICE: Final[Mapping[PriorityLevel, str]] = {
    "Critical": "Do this first.",
    "High": "Make room for it now.",
    "Medium": "Choose a day for it.",
    "Low": "Not urgent.",
    "Defer": "Nothing to do was found in it.",
}
_HELP: Final = (
    "This comes before everything else: talk to somebody about it now, a person whom you trust, a crisis line or the"
    " emergency number."
)
"""Said of words of harm, where no advice to do what the thought names may stand."""
_DANGER: Final = re.compile(
    r"(?<!\w)(?:bleeding|blood|smoke|gas|fire|poison\w*|overdose|unconscious|not breathing|can['\u2019]?t breathe|"
    r"chest|swollen|flood\w*|leak\w*|burn(?:ing|ed|t)?|collapsed?|fell|fallen|pills|blut\w*|rauch|"
    r"brennt|bewusstlos|fuite|fumée|brûl\w*|sangre|humo|fuga|sangue|fumaça|vazamento|incêndio)(?!\w)",
    re.IGNORECASE,
)
"""Words that are shown as the reason of an urgency. They never make a thought urgent."""


def prioritise(reading: Reading) -> Priority:
    """Return the level by urgency and importance, never below the floor. The confidence is low."""
    urgency = reading.classification.urgency
    level = higher(_LEVELS[urgency, is_important(reading.agent_input)], lowest_level(reading.agent_input).level)
    when = _deadline(reading)
    harmful = harm(reading.text)
    level = "Critical" if harmful else level
    danger = list(dict.fromkeys(_DANGER.findall(reading.text)))[:2] if urgency == "immediate" and not when else []
    if harmful:
        when, danger = None, [harmful]
    quotes = [when.quote] if when else danger
    risk = next((action.consequence for action in reading.found.actions if action.consequence), "")
    return Priority(
        priority_level=level,
        urgency_reasoning=_urgency_reasoning(reading, when, danger),
        urgency_evidence=[Evidence(source="thought", quote=quote) for quote in quotes],
        strategic_fit=_strategic_fit(reading),
        momentum_impact=NOT_ASSESSED,
        recommended_timeline=_timeline(reading, when),
        dependencies=_dependencies(reading),
        risk_assessment=f"You wrote \u201c{risk}\u201d." if risk else NOT_ASSESSED,
        confidence=_confidence(reading),
        final_recommendation=_recommendation(reading, level, when),
        found_by=_found_by(reading, when, danger, risk),
    )


def _found_by(reading: Reading, when: When | None, danger: list[str], risk: str) -> dict[str, str]:
    of_urgency = reading.classification.found_by.get("urgency", "the classification")
    found = {
        "priority_level": "urgency and importance, as in an Eisenhower matrix",
        "urgency_reasoning": "a date in the text" if when else "words in the text" if danger else of_urgency,
        "risk_assessment": "the words of the text" if risk else "",
        "strategic_fit": "" if _strategic_fit(reading) == NOT_ASSESSED else "your goals in the analysis",
    }
    return {name: how for name, how in found.items() if how}


def _deadline(reading: Reading) -> When | None:
    """Return the first day of the plan's actions, or else of the thought, that is still to come."""
    if reading.knows_urgency and reading.classification.urgency == "never":
        return None
    of_actions = [action.when for action in reading.found.actions if action.when]
    of_text = [without_date(reading.text, [named]).when for named in reading.coming_dates]
    return min((when for when in of_actions or of_text if when), key=lambda when: when.day, default=None)


def _urgency_reasoning(reading: Reading, when: When | None, danger: list[str]) -> str:
    parts = []
    if not reading.knows_urgency:
        closest = reading.classification.urgency
        parts.append(
            f"Not assessed: how urgent it is could not be judged (closest: {closest}), so it is at least Medium."
        )
    if when:
        parts.append(f"It names \u201c{when.quote}\u201d: {day_text(when.day)}, {days_from(reading.today, when.day)}.")
    elif danger:
        parts.append(f"It names {join_quoted(danger)}, and it cannot wait by its meaning.")
    elif reading.knows_urgency:
        parts.append(_without_day(reading.classification.urgency))
    return " ".join([*parts, _importance(reading)]).strip()


def _without_day(urgency: Urgency) -> str:
    return {
        "immediate": "By its meaning it cannot wait. It names no day.",
        "soon": "By its meaning it is due within about two weeks. It names no day.",
        "eventually": "It names no day, and nothing in it is urgent.",
        "never": "There is nothing in it to act on.",
    }[urgency]


def _importance(reading: Reading) -> str:
    impact = previous_output(ValueImpact, "value_impact", reading.agent_input)
    if impact is None or impact.weighted_total is None:
        return ""
    is_high = is_important(reading.agent_input)
    return f"It matters by its value, {impact.weighted_total:g} of 10." if is_high else ""


def _strategic_fit(reading: Reading) -> str:
    analysis = previous_output(Analysis, "analysis", reading.agent_input)
    if analysis is None:
        return NOT_ASSESSED
    aligned = [goal.quote for goal in analysis.goal_alignment.aligned_goals[:2]]
    against = [goal.quote for goal in analysis.goal_alignment.conflicting_goals[:2]]
    parts = [
        f"It works towards {join_quoted(aligned)}." if aligned else "",
        f"It gives something up for {join_quoted(against)}." if against else "",
    ]
    return " ".join(part for part in parts if part) or NOT_ASSESSED


def _timeline(reading: Reading, when: When | None) -> Timeline:
    durations = [action.duration for action in reading.found.actions if action.duration]
    days = dict.fromkeys(action.when.text for action in reading.found.actions if action.when)
    return Timeline(
        start=_start(reading, when),
        duration=durations[0] if durations else NOT_ASSESSED,
        checkpoints=list(days)[:3] if len(days) > 1 else [],
    )


def _start(reading: Reading, when: When | None) -> str:
    """Return when to begin. A day is written in full, because its wording alone would mean another day later."""
    is_immediate = reading.knows_urgency and reading.classification.urgency == "immediate"
    if when and when.day > reading.today and not is_immediate:
        return f"{when.relation or 'on'} {day_text(when.day)}"
    if when:
        return "today"
    return _WHEN.get(reading.classification.urgency, NOT_ASSESSED) if reading.knows_urgency else NOT_ASSESSED


def _dependencies(reading: Reading) -> list[str]:
    plan = previous_output(ActionPlan, "action_plan", reading.agent_input)
    found = [prerequisite for action in plan.main_actions for prerequisite in action.prerequisites] if plan else []
    return list(dict.fromkeys(found))[:3]


def _recommendation(reading: Reading, level: PriorityLevel, when: When | None) -> str:
    """Return the plan's first action with its day, or what the thought is about; never that it can wait unjudged."""
    if harm(reading.text):
        return _HELP
    if not reading.knows_urgency and not when:
        opening = "Its urgency was not assessed: judge it yourself."
    else:
        opening = _ADVICE[level]
    action = _first_action(reading)
    if action is None and when and level == "Medium":
        return f"It names {day_text(when.day)}. What is to be done was not found in it."
    if action is None or level == "Defer":
        return opening
    if when and level in ("Medium", "Low"):
        opening = ""  # the day says it
    sentence = _sentence(f"{action.rstrip('.')}{_timing(reading, when, action)}")
    return f"{opening} {sentence}{_people(reading, action)}".strip()[:MAX_SENTENCE_LENGTH]


def _sentence(words: str) -> str:
    return words if words.endswith("?") else f"{words}."


def _timing(reading: Reading, when: When | None, action: str) -> str:
    """Return when to act, to be put behind the action. A date that the action still names is only resolved."""
    if when is None:
        return ", today" if reading.knows_urgency and reading.classification.urgency == "immediate" else ""
    if when.quote.lower() in action.lower():
        return f" ({day_text(when.day)})"
    return f", {_spoken(when, reading)}"


def _spoken(when: When, reading: Reading) -> str:
    return (
        f"today ({day_text(when.day)})"
        if when.day == reading.today
        else f"{when.relation or 'on'} {day_text(when.day)}"
    )


def _first_action(reading: Reading) -> str | None:
    plan = previous_output(ActionPlan, "action_plan", reading.agent_input)
    if plan is None:
        return None
    actions = [win.action for win in plan.quick_wins] + [main.action for main in plan.main_actions]
    return actions[0] if actions else None


def _people(reading: Reading, action: str) -> str:
    """Name the people of the thought whom the action does not name."""
    others = [person for person in reading.classification.entities.people if person.lower() not in action.lower()][:3]
    return f" It also names {', '.join(others)}."[:MAX_PHRASE_LENGTH] if others else ""


def _confidence(reading: Reading) -> float:
    """Return a low confidence, because urgency is only half of the priority."""
    if not reading.knows_urgency:
        return 0.1
    impact = previous_output(ValueImpact, "value_impact", reading.agent_input)
    return 0.5 if impact and impact.weighted_total is not None else 0.4
