"""Makes the offline action plan from what the thought says is to be done: its verbs, objects, people, places and days.

A thought that names nothing to do has an empty plan. Nothing is added that is not in the thought or the profile.
"""

import re
from typing import Final

from agents.action_plan import ActionPlan, Delegation, MainAction, QuickWin
from agents.analysis import Analysis
from agents.fields import MAX_PHRASE_LENGTH, NOT_ASSESSED
from agents.offline.actions import Action
from agents.offline.clauses import When, sentences, shortened, without_date
from agents.offline.english import alternatives
from agents.offline.harm import harm
from agents.offline.reading import Reading
from agents.output import previous_output
from agents.profile import energy_peaks

_OFFER: Final = (
    r"(?:\s(?:says|said)(?:\s(?:he|she|they))?)?\s(?:will|would|can|could|['\u2019]ll|offered to|is going to|is doing|"
    r"has agreed to)\s(?P<task>(?:\w|['\u2019-])+.*)"
)
_REQUEST: Final = r"(?:ask|get|tell|remind|have)\s{who}\sto\s(?P<task>\w.*)"


def plan(reading: Reading) -> ActionPlan:
    """Return the actions that the thought names: what takes minutes first, then the others."""
    actions = list(reading.found.actions) or _what_is_open(reading)
    quick = [action for action in actions if action.takes_minutes]
    others = [action for action in actions if not action.takes_minutes]
    delegations = _delegations(reading)
    return ActionPlan(
        quick_wins=[_quick_win(reading, action) for action in quick],
        main_actions=[_main_action(reading, action) for action in others],
        delegation_opportunities=delegations,
        avoid=list(reading.found.forbidden),
        success_metrics=[],
        found_by=_found_by(reading, quick, others, delegations),
    )


def _found_by(
    reading: Reading, quick: list[Action], others: list[Action], delegations: list[Delegation]
) -> dict[str, str]:
    found = {
        "quick_wins": quick[0].found_by if quick else "",
        "main_actions": others[0].found_by if others else "",
        "delegation_opportunities": "a person whom the text names for it" if delegations else "",
        "avoid": "words such as \u201cdon't\u201d in the text" if reading.found.forbidden else "",
    }
    return {name: how[:MAX_PHRASE_LENGTH] for name, how in found.items() if how}


def _what_is_open(reading: Reading) -> list[Action]:
    """Return what a problem, or a question with a day, leaves to be done: the words of the thought, and its day."""
    kind, urgency = reading.kind, reading.classification.urgency
    is_pressing = reading.knows_urgency and urgency in ("immediate", "soon")
    first = next(iter(sentences(reading.text)), "")
    if not first or harm(reading.text) or (reading.knows_urgency and urgency == "never"):
        return []
    when = next(
        (dated.when for named in reading.coming_dates if (dated := without_date(reading.text, [named])).when), None
    )
    if kind == "problem":
        return [
            Action(f"Deal with \u201c{shortened(first, 120)}\u201d", when, found_by="the trouble that the text names")
        ]
    if kind == "question" and (when or is_pressing):
        return [Action(f"Answer \u201c{shortened(first, 120)}\u201d", when, found_by="a question that is due")]
    return []


def _quick_win(reading: Reading, action: Action) -> QuickWin:
    return QuickWin(
        action=action.text,
        duration=action.duration or NOT_ASSESSED,
        timing=timing(reading, action),
        outcome=NOT_ASSESSED,
    )


def _main_action(reading: Reading, action: Action) -> MainAction:
    return MainAction(
        action=action.text,
        duration=action.duration or NOT_ASSESSED,
        prerequisites=[action.condition] if action.condition else [],
        obstacles=_obstacles(reading),
        mitigation=NOT_ASSESSED,
        timing=timing(reading, action, with_energy=True),
    )


def timing(reading: Reading, action: Action, *, with_energy: bool = False) -> str:
    """Return when to act: by the words and days of the thought, its urgency, and the profile's best time of day."""
    peaks = energy_peaks(reading.agent_input.profile) if with_energy else []
    parts = [
        _by_words(action.when, action.until) or _by_urgency(reading),
        f"your best time: {peaks[0]}" if peaks else "",
    ]
    return "; ".join(part for part in parts if part)[:MAX_PHRASE_LENGTH] or NOT_ASSESSED


def _by_words(when: When | None, until: str) -> str:
    return ", ".join(part for part in (when.text if when else "", until) if part)


def _by_urgency(reading: Reading) -> str:
    if not reading.knows_urgency:
        return ""
    return {"immediate": "today", "soon": "within two weeks"}.get(reading.classification.urgency, "")


def _obstacles(reading: Reading) -> list[str]:
    """Return the constraints of the profile that the analysis found to be about the thought."""
    analysis = previous_output(Analysis, "analysis", reading.agent_input)
    evidence = analysis.realistic_assessment.evidence if analysis else []
    return [item.quote for item in evidence if item.source == "profile"][:2]


def _delegations(reading: Reading) -> list[Delegation]:
    """Return what the thought says that somebody else does or is to be asked to do."""
    if harm(reading.text) or (reading.knows_urgency and reading.classification.urgency == "never"):
        return []
    people = reading.classification.entities.people
    found = [_delegation(sentence, person) for sentence in sentences(reading.text) for person in people]
    return [delegation for delegation in found if delegation][:2]


def _delegation(sentence: str, person: str) -> Delegation | None:
    who = rf"(?<!\w){re.escape(person)}"
    pattern = f"{who}{_OFFER}|{_REQUEST.format(who=alternatives([person]))}".replace("(?P<task>", "(?P<offer>", 1)
    found = re.search(pattern, sentence, re.IGNORECASE)
    if found is None or re.search(
        r"\b(?:not|never|won['\u2019]t|n['\u2019]t)\b", sentence[: found.end()], re.IGNORECASE
    ):
        return None
    task = shortened(found["offer"] or found["task"], 120)
    return Delegation(
        task=task[:1].upper() + task[1:], who=person, why=f"You wrote \u201c{shortened(sentence, 160)}\u201d."
    )
