"""Defines agent 4, action plan: what the author could do about the thought."""

from typing import Annotated, Final

from pydantic import Field

from agents.agent import Agent
from agents.output import MAX_LIST_LENGTH, AgentOutput, Part, Phrase, Phrases, Sentence


class QuickWin(Part):
    action: Sentence
    duration: Phrase
    timing: Phrase
    outcome: Sentence


class MainAction(Part):
    action: Sentence
    duration: Phrase
    prerequisites: Phrases
    obstacles: Phrases
    mitigation: Sentence
    timing: Phrase


class Delegation(Part):
    task: Sentence
    who: Phrase
    why: Sentence


class ActionPlan(AgentOutput):
    quick_wins: Annotated[list[QuickWin], Field(max_length=MAX_LIST_LENGTH)]
    main_actions: Annotated[list[MainAction], Field(max_length=MAX_LIST_LENGTH)]
    delegation_opportunities: Annotated[list[Delegation], Field(max_length=MAX_LIST_LENGTH)]
    avoid: Phrases
    success_metrics: Phrases


ACTION_PLAN: Final = Agent(
    name="action_plan",
    title="Action plan",
    question="What could you do about it?",
    summary="what you could do about it",
    output=ActionPlan,
)
