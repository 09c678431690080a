"""The result of one step: what was seen, and after a failure what to do."""

from dataclasses import dataclass
from typing import Final

NAME_WIDTH: Final = 9


class StepFailedError(Exception):
    """Raised by a step that did not see what it expects. `seen` and `cure` are one line each."""

    def __init__(self, seen: str, cure: str) -> None:
        super().__init__(seen)
        self.seen = seen
        self.cure = cure


@dataclass(frozen=True, slots=True)
class Outcome:
    """One line of the output."""

    number: int
    name: str
    seen: str
    cure: str = ""
    """What to do; empty when the step passed."""

    @property
    def passed(self) -> bool:
        return not self.cure

    def line(self) -> str:
        """Return the line, without line breaks: an error's text may contain some."""
        state = "ok" if self.passed else "FAILED"
        advice = "" if self.passed else f" -> {self.cure}"
        text = " ".join(f"{self.seen}{advice}".split())
        return f"{self.number:>2}  {state:<6}  {self.name:<{NAME_WIDTH}}  {text}"
