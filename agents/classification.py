"""Defines agent 1, classification: what kind of thought this is, and how urgent it is."""

from typing import Final, Literal

from agents.agent import Agent
from agents.output import AgentOutput, Part, Phrases

ThoughtType = Literal["task", "problem", "idea", "question", "observation", "emotion"]
Urgency = Literal["immediate", "soon", "eventually", "never"]
Tone = Literal["excited", "anxious", "frustrated", "neutral", "curious", "overwhelmed", "hopeful"]
Complexity = Literal["simple", "moderate", "complex"]


class Entities(Part):
    """The named entities. Each one is a substring of the thought."""

    people: Phrases
    dates: Phrases
    places: Phrases
    topics: Phrases


class Classification(AgentOutput):
    """The enums have no value for "unknown": `observation`, `eventually` and `neutral` claim least and serve as it."""

    type: ThoughtType
    urgency: Urgency
    entities: Entities
    emotional_tone: Tone
    implied_needs: Phrases
    complexity: Complexity


CLASSIFICATION: Final = Agent(
    name="classification",
    title="Classification",
    question="What kind of thought is this?",
    summary="what kind of thought it is, and how urgent",
    output=Classification,
)
