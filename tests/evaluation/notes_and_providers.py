"""Notes, and small providers whose answers are known, for the tests of the evaluation."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from agents.catalogue import CATALOGUE
from agents.interface import AgentInput, AgentResult, CallContext, Provider
from agents.output import validate_output
from agents.scripted.samples import sample
from evaluation.outcomes import Outcome
from evaluation.runner import Runner
from notes.reader import Note, NotedDate, Voice

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 3, 2, 9, tzinfo=LONDON)
"""A Monday."""


def note(text: str, **labels: Any) -> Note:
    """Return a note, a task for eventually unless the labels say otherwise. A date is a pair of quote and day."""
    dates = tuple(NotedDate(quote, day) for quote, day in labels.pop("dates", ()))
    values: dict[str, Any] = {"type": "task", "urgency": "eventually", "tone": "neutral", "people": (), "places": ()}
    return Note(text=text, dates=dates, **(values | {"language": "en"} | labels))


def voice(*notes: Note, name: str = "tester") -> Voice:
    return Voice(name, "Writes tests.", "en", LONDON, NOW, notes)


Rule = Callable[[AgentInput], dict[str, Any]]
"""Returns the fields of an output that differ from the sample."""


class RuleProvider:
    """Answers with samples, changed by a rule for each agent that has one. Remembers the inputs."""

    def __init__(self, model: str = "", **rules: Rule) -> None:
        self.rules = rules
        self.model = model
        self.inputs: list[tuple[str, AgentInput]] = []

    def identity(self) -> Mapping[str, Any]:
        return {"provider": "rules"}

    def models(self, agent_name: str) -> Sequence[str]:
        return (self.model,) if self.model else ()

    def check(self, model: str) -> None:
        """Do nothing, because no service is called."""

    def run(self, agent_name: str, agent_input: AgentInput, context: CallContext) -> AgentResult:
        self.inputs.append((agent_name, agent_input))
        kind = CATALOGUE.named(agent_name).output
        rule = self.rules[agent_name](agent_input) if agent_name in self.rules else {}
        validated = validate_output(kind, {**sample(kind, agent_input.text), **rule}, agent_input)
        by_code = {name: value for name, value in rule.items() if name in kind.written_by_code}
        output = validated.output.model_copy(update=by_code)
        cost = Decimal("0.001")
        return AgentResult(output, "rule", self.model or "rules", "1", 10, 5, cost, validated.dropped_claims)


def classified(**fields: Any) -> Rule:
    """Return the rule that always gives these fields."""
    return lambda _: fields


def outcome(written: Note, provider: Provider, author: Voice | None = None) -> Outcome:
    """Return the outcome of one note."""
    return Runner(provider, 5).analyse(author or voice(written), written)
