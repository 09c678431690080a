"""Parses the directives in a thought's text, which control the scripted provider.

    [[fail:<agent>:<kind>:<times>]]     times: a number, or * for always
    [[delay:<agent>:<ms>]]
    [[write:<agent>:<ms>]]              after the delay, write the answer piece by piece, as a model does

    transient   an error that a retry may not have: TransientError
    permanent   an error that a retry would have again: PermanentError
    nonsense    an answer that does not match the agent's model: InvalidOutput
    memory      the call allocates memory until none is left: CPython's MemoryError
    crash       the process ends during the call with status 137, as when the kernel kills it for lack of memory
    hang        the call never ends and ignores both its fence and its deadline

Several fail directives for one agent apply in sequence: `[[fail:analysis:transient:2]]` followed by
`[[fail:analysis:permanent:1]]` fails calls 1 and 2 as transient and call 3 as permanent. The last of several delays or
writes for one agent applies. Text that does not match this syntax exactly is plain text.
"""

import re
from dataclasses import dataclass
from typing import Literal, cast, get_args

Failure = Literal["transient", "permanent", "nonsense", "memory", "crash", "hang"]

_FAIL = re.compile(rf"\[\[fail:([a-z_]+):({'|'.join(get_args(Failure))}):([0-9]{{1,9}}|\*)\]\]")
_DURATION = re.compile(r"\[\[(delay|write):([a-z_]+):([0-9]{1,9})\]\]")


@dataclass(frozen=True)
class Script:
    """The directives for one agent."""

    failures: tuple[tuple[Failure, int | None], ...] = ()
    """Kinds of failure and how many calls they fail; None stands for all further calls."""
    delay_ms: int | None = None
    """None when the text has no delay directive."""
    write_ms: int | None = None
    """None when the text has no write directive."""

    def failure_of(self, call: int) -> Failure | None:
        """Return how call number `call` (from 1) of this thought and agent fails, or None when it succeeds."""
        last_failing = 0
        for failure, times in self.failures:
            if times is None or call <= last_failing + times:
                return failure
            last_failing += times
        return None


_EMPTY_SCRIPT = Script()


def read_script(text: str, agent_name: str) -> Script:
    """Parse the directives of a text for one agent."""
    if "[[" not in text:
        return _EMPTY_SCRIPT
    failures = tuple(
        (cast(Failure, kind), None if times == "*" else int(times))
        for agent, kind, times in _FAIL.findall(text)
        if agent == agent_name
    )
    durations = {name: int(ms) for name, agent, ms in _DURATION.findall(text) if agent == agent_name}
    return Script(failures, durations.get("delay"), durations.get("write"))
