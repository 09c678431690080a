"""Makes the plan, the priority and the analysis of notes as if the classification were known."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agents.catalogue import CATALOGUE
from agents.offline.provider import OfflineProvider
from agents.scripted.samples import sample
from tests.agents.calls import make_context, make_input

PROVIDER = OfflineProvider()


def classified(text: str, kind: str = "task", urgency: str = "eventually", **fields: Any) -> dict[str, Any]:
    """Return a classification; `people` and `dates` (pairs of quote and day) come from the text."""
    people, dates = fields.pop("people", []), fields.pop("dates", [])
    entities = {"people": people, "dates": [quote for quote, _ in dates], "places": [], "topics": []}
    resolved = [{"quote": quote, "day": day} for quote, day in dates]
    known = {"type": kind, "urgency": urgency, "entities": entities, "resolved_dates": resolved, "implied_needs": []}
    return {**sample(CATALOGUE.named("classification").output, text), **known, **fields}


def outputs(text: str, classification: dict[str, Any], **inputs: Any) -> dict[str, dict[str, Any]]:
    """Return the outputs of agents 2 to 5 behind this classification."""
    found = {"classification": classification}
    for agent_name in CATALOGUE.names[1:]:
        agent_input = make_input(text, previous=dict(found), **inputs)
        found[agent_name] = PROVIDER.run(agent_name, agent_input, make_context()).output.model_dump(mode="json")
    return found


def actions(plan: dict[str, Any]) -> list[str]:
    """Return the actions of a plan, what takes minutes first."""
    return [item["action"] for item in (*plan["quick_wins"], *plan["main_actions"])]


def pairs(name: str) -> Sequence[tuple[str, str, str]]:
    """Return the hand-made pairs of a file beside this one: a candidate, a note, and what they have in common."""

    lines = Path(__file__).with_name(name).read_text("utf-8").splitlines()
    split = [tuple(part.strip() for part in line.split("|")) for line in lines if line and not line.startswith("#")]
    return [(candidate, note, label) for candidate, note, label in split]
