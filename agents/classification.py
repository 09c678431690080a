"""Defines agent 1, classification: what kind of thought this is, and how urgent it is."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field

from agents.agent import Agent
from agents.dates import dates_of_input
from agents.evidence import Claims, Quotations
from agents.fields import MAX_LIST_LENGTH, Confidence, Part, Phrase, Phrases
from agents.interface import AgentInput
from agents.output import AgentOutput

ThoughtType = Literal["task", "problem", "idea", "question", "observation", "emotion"]
Urgency = Literal["immediate", "soon", "eventually", "never"]
Tone = Literal["excited", "anxious", "frustrated", "neutral", "curious", "overwhelmed", "hopeful"]
Complexity = Literal["simple", "moderate", "complex"]
NotAssessed = Literal["type", "urgency", "emotional_tone"]


BY_WORD_RULES: Final = "a guess by word rules"
"""How the offline agents found a field where their classifier cannot run."""


class Entities(Quotations):
    """The named entities. One that is not a substring of the thought is dropped."""

    people: Phrases
    dates: Phrases
    places: Phrases
    topics: Phrases


class ResolvedDate(Part):
    """A date of the thought, and the day that it means in its author's time zone."""

    quote: Phrase
    day: date


class Classification(AgentOutput):
    """The enums have no value for "unknown". A field that `not_assessed` lists holds the closest guess."""

    written_by_code: ClassVar[frozenset[str]] = AgentOutput.written_by_code | {
        "not_assessed",
        "confidence",
        "resolved_dates",
    }

    type: ThoughtType
    urgency: Urgency
    entities: Entities
    emotional_tone: Tone
    implied_needs: Claims
    complexity: Complexity
    not_assessed: list[NotAssessed] = Field(default_factory=list)
    """The fields that could not be judged with enough confidence."""
    confidence: Mapping[NotAssessed, Confidence] = Field(default_factory=dict)
    """How sure the classifier is of a field: of answers with 0.7, about seven in ten are right."""
    resolved_dates: Annotated[list[ResolvedDate], Field(max_length=MAX_LIST_LENGTH)] = Field(default_factory=list)

    def with_computed_fields(self, agent_input: AgentInput) -> Self:
        named_days = [named for named in dates_of_input(agent_input) if named.is_day]
        resolved = [ResolvedDate(quote=named.text, day=named.day) for named in named_days if named.day]
        return self.model_copy(update={"resolved_dates": resolved[:MAX_LIST_LENGTH]})


INSTRUCTIONS: Final = """\
Find out what kind of thought this is, and how urgent. You see the thought alone.

- type: task (something to do), problem (something is wrong), idea (something new that could be done), question (wants
  an answer), emotion (mainly a feeling), observation (none of these, or you cannot tell).
- urgency: how soon the author must act. immediate: within a day, or harm grows while waiting. soon: within about two
  weeks. eventually: later, or no time is given. never: there is nothing to act on. Count from `now` in the facts, and
  use the days that the facts give for the dates. Words such as "urgent" count only where they are meant.
- entities: people, dates, places and topics, each copied from the thought as it is written there. At most three topics.
- emotional_tone: what the words show; neutral when they show nothing.
- implied_needs: what the author needs but does not ask for, at most three, each with the quote that shows it.
- complexity: simple (one step), moderate (several steps or people), complex (many parts that depend on each other)."""

CLASSIFICATION: Final = Agent(
    name="classification",
    title="Classification",
    question="What kind of thought is this?",
    summary="what kind of thought it is, and how urgent",
    output=Classification,
    instructions=INSTRUCTIONS,
)
