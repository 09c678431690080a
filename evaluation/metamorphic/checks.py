"""Runs the agents on rewritten notes and counts the violations of the relations."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from agents.classification import Classification
from agents.evidence import fold
from agents.fields import MAX_PHRASE_LENGTH
from agents.priority import Priority
from evaluation.metamorphic.relations import RELATIONS, Answer, Relation, answer_of
from evaluation.outcomes import Outcome
from evaluation.runner import ALL_AGENTS, Runner, note_input
from evaluation.statistics import Share

OTHER_GOAL: Final = "Learn to play the cello"


@dataclass(frozen=True, slots=True)
class Violations:
    """How often one relation was checked and violated."""

    relation: str
    violated: Share
    examples: Sequence[str]
    """Every violation, in one line."""


def check_relations(
    runner: Runner, outcomes: Sequence[Outcome], report_progress: Callable[[], None] = lambda: None
) -> list[Violations]:
    """Return the violations of every relation. Calls `report_progress` after each note. Raises AgentError."""
    checks: dict[str, list[str | None]] = {relation.name: [] for relation in RELATIONS}
    for name in (REMOVED_GOAL, OTHER_USERS):
        checks[name] = []
    for outcome in outcomes:
        for relation in RELATIONS:
            checks[relation.name] += check_relation(runner, outcome, relation)
        checks[REMOVED_GOAL] += check_removed_goal(runner, outcome)
        checks[OTHER_USERS] += [check_other_users(runner, outcome)]
        report_progress()
    return [_count(name, found) for name, found in checks.items()]


def _count(name: str, found: Iterable[str | None]) -> Violations:
    results = list(found)
    examples = [example for example in results if example is not None]
    return Violations(name, Share(len(examples), len(results)), examples)


def check_relation(runner: Runner, outcome: Outcome, relation: Relation) -> list[str | None]:
    """Return nothing when the relation does not apply, [None] when it holds, and otherwise one line about it."""
    text = relation.rewrite(outcome)
    if text is None:
        return []
    before = answer_of(outcome.classification, outcome.priority_level if relation.needs_priority else None)
    after = _answer(runner, outcome, text, needs_priority=relation.needs_priority)
    return [None] if relation.holds(before, after) else [f"{before} \u2192 {after}: {text}"]


def _answer(runner: Runner, outcome: Outcome, text: str, *, needs_priority: bool) -> Answer:
    agents = ALL_AGENTS if needs_priority else ("classification",)
    results = runner.run(note_input(outcome.voice, text), agents)
    classification = cast(Classification, results["classification"].output)
    return answer_of(
        classification, cast(Priority, results["priority"].output).priority_level if needs_priority else None
    )


REMOVED_GOAL: Final = "a removed goal removes its alignment"


def check_removed_goal(runner: Runner, outcome: Outcome) -> list[str | None]:
    """Check a task or an idea with its own words as a goal, and then without that goal.

    Does not apply when the thought is not aligned with the goal at first.
    """
    if outcome.note.type not in ("task", "idea"):
        return []
    goal = outcome.note.text[:MAX_PHRASE_LENGTH].strip()
    if not _mentions(_alignment(runner, outcome, [goal, OTHER_GOAL]), goal):
        return []
    remaining = _alignment(runner, outcome, [OTHER_GOAL])
    return [f"still aligned: {goal}" if _mentions(remaining, goal) else None]


def _alignment(runner: Runner, outcome: Outcome, goals: Sequence[str]) -> Any:
    """Return the goal alignment of the analysis as JSON."""
    agent_input = note_input(outcome.voice, outcome.note.text, goals)
    previous = {"classification": outcome.outputs()["classification"]}
    return runner.run(agent_input, ["analysis"], previous)["analysis"].output.model_dump(mode="json")["goal_alignment"]


def _mentions(alignment: Any, goal: str) -> bool:
    """Return whether a claim about the profile quotes a part of the goal."""
    claims = [*alignment["aligned_goals"], *alignment["conflicting_goals"]]
    return any(claim["source"] == "profile" and fold(claim["quote"]) in fold(goal) for claim in claims)


OTHER_USERS: Final = "other users' notes change nothing"


def check_other_users(runner: Runner, outcome: Outcome) -> str | None:
    """Run a note again, after the provider has analysed the notes of all other voices, as another user.

    Compares the whole outputs. A model service may word the same answer differently, so that only its type, urgency
    and level are compared.
    """
    results = runner.run(outcome.agent_input)
    if not runner.calls_a_model:
        outputs = {name: result.output.model_dump(mode="json") for name, result in results.items()}
        changed = [name for name, output in outcome.outputs().items() if output != outputs[name]]
        return f"{', '.join(changed)} changed: {outcome.note.text}" if changed else None
    before = answer_of(outcome.classification, outcome.priority_level)
    classification = cast(Classification, results["classification"].output)
    after = answer_of(classification, cast(Priority, results["priority"].output).priority_level)
    return None if before == after else f"{before} \u2192 {after}: {outcome.note.text}"
