"""Defines agent 2, analysis: the thought in the context of its author's goals, constraints and earlier thoughts."""

from typing import Final

from agents.agent import Agent
from agents.output import AgentOutput, Part, Phrases, Sentence


class GoalAlignment(Part):
    aligned_goals: Phrases
    conflicting_goals: Phrases
    reasoning: Sentence


class RealisticAssessment(Part):
    feasibility: Sentence
    given_constraints: Sentence
    time_required: Sentence


class Analysis(AgentOutput):
    goal_alignment: GoalAlignment
    underlying_needs: Phrases
    pattern_connections: Phrases
    realistic_assessment: RealisticAssessment
    unspoken_factors: Phrases
    opportunity_cost: Sentence


ANALYSIS: Final = Agent(
    name="analysis",
    title="Analysis",
    question="How does it fit your goals and your situation?",
    summary="how it fits your goals and your situation",
    output=Analysis,
    labels={"given_constraints": "Given your constraints"},
    reads_earlier_thoughts=True,
)
