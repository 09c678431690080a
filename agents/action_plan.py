"""Defines agent 4, action plan: what the author could do about the thought."""

from typing import Annotated, Final

from pydantic import Field

from agents.agent import Agent
from agents.fields import MAX_LIST_LENGTH, Part, Phrase, Phrases, Sentence
from agents.output import AgentOutput


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


INSTRUCTIONS: Final = """\
Plan what the author could do about the thought. A short plan that will be done is better than a complete one.

- quick_wins: at most three actions of up to 15 minutes that begin it. outcome says what the author has afterwards.
- main_actions: at most three larger steps in their order. prerequisites and obstacles come from the constraints and the
  earlier results; mitigation says what to do about the obstacles, or "Not assessed.".
- timing: when, in words. It fits the days in the facts and the author's energy peaks, if the profile names them. What
  is due is never planned for after its day.
- delegation_opportunities: only what somebody else could really do. who is a person whom the thought names, or a role
  such as "a tax adviser"; invent no person.
- avoid: what would make it worse. success_metrics: how the author recognises that it is done.
- When there is nothing to act on, such as for a mere observation, all lists may be empty."""

ACTION_PLAN: Final = Agent(
    name="action_plan",
    title="Action plan",
    question="What could you do about it?",
    summary="what you could do about it",
    output=ActionPlan,
    reads_profile=True,
    profile_fields=("constraints", "recent_patterns", "language"),
    reads_results=("analysis", "value_impact"),
    instructions=INSTRUCTIONS,
)
