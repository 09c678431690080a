"""Defines agent 2, analysis: the thought in the context of its author's goals, constraints and earlier thoughts."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from pydantic import Field

from agents.agent import Agent
from agents.evidence import Claims, EvidenceList
from agents.fields import NOT_ASSESSED, Part, Sentence
from agents.output import AgentOutput


class GoalAlignment(Part):
    aligned_goals: Claims
    conflicting_goals: Claims
    reasoning: Sentence

    supported_by: ClassVar[Mapping[tuple[str, ...], Mapping[str, Any]]] = {
        ("aligned_goals", "conflicting_goals"): {"reasoning": NOT_ASSESSED}
    }


class RealisticAssessment(Part):
    feasibility: Sentence
    given_constraints: Sentence
    time_required: Sentence
    evidence: EvidenceList = Field(default_factory=list)

    supported_by: ClassVar[Mapping[tuple[str, ...], Mapping[str, Any]]] = {
        ("evidence",): {"feasibility": NOT_ASSESSED, "given_constraints": NOT_ASSESSED, "time_required": NOT_ASSESSED}
    }


class Analysis(AgentOutput):
    goal_alignment: GoalAlignment
    underlying_needs: Claims
    pattern_connections: Claims
    realistic_assessment: RealisticAssessment
    unspoken_factors: Claims
    opportunity_cost: Sentence


INSTRUCTIONS: Final = """\
Put the thought into the context of its author's goals, situation and earlier thoughts.

- goal_alignment: for each goal of the profile that the thought clearly serves (aligned_goals) or hinders
  (conflicting_goals), say how, and quote the goal from the profile. reasoning sums them up. Without goals in the
  profile both lists are empty and reasoning is "Not assessed.".
- underlying_needs: what the author seems to need beneath the words, at most three, each with a quote from the thought.
- pattern_connections: what this thought shares with an earlier thought, each with a quote from that earlier thought.
  They were chosen because their words are similar, which is no pattern yet, and opposites are similar too: say what
  repeats, changes or contradicts, and on which day it was written.
- realistic_assessment: feasibility, given_constraints (what the constraints of the profile mean for it) and
  time_required. Put the quotes that you rely on into its evidence.
- unspoken_factors: what probably matters but is not said, at most three, each with the quote that suggests it.
- opportunity_cost: what the author would give up for it."""

ANALYSIS: Final = Agent(
    name="analysis",
    title="Analysis",
    question="How does it fit your goals and your situation?",
    summary="how it fits your goals and your situation",
    output=Analysis,
    labels={"given_constraints": "Given your constraints"},
    reads_earlier_thoughts=True,
    reads_profile=True,
    reads_results=("classification",),
    instructions=INSTRUCTIONS,
)
