"""The directives in a thought's text that tell the scripted provider how to behave.

    [[fail:<agent>:<kind>:<times>]]     times: a number, or * for always
    [[delay:<agent>:<ms>]]

    transient   an error that another try may mend
    permanent   an error that no other try mends
    nonsense    an answer that the agent's model refuses
    memory      the call asks for memory until there is none: CPython's MemoryError
    crash       the process ends in the call with status 137, as the kernel does with one that takes all memory
    hang        the call never ends and hears neither its fence nor its deadline

Several fail directives for one agent work one after the other: `[[fail:analysis:transient:2]]` followed by
`[[fail:analysis:permanent:1]]` fails calls 1 and 2 as transient and call 3 as permanent. Of several delays for one
agent the last one counts. What is not exactly of this form is plain text.
"""

import re
from dataclasses import dataclass
from typing import Literal, cast, get_args

Failure = Literal["transient", "permanent", "nonsense", "memory", "crash", "hang"]

_FAIL = re.compile(rf"\[\[fail:([a-z_]+):({'|'.join(get_args(Failure))}):([0-9]{{1,9}}|\*)\]\]")
_DELAY = re.compile(r"\[\[delay:([a-z_]+):([0-9]{1,9})\]\]")


@dataclass(frozen=True)
class Script:
    """What the text demands of one agent. `times` is None for always, `delay_ms` is None where nothing is said."""

    fails: tuple[tuple[Failure, int | None], ...] = ()
    delay_ms: int | None = None

    def failure_of(self, call: int) -> Failure | None:
        """How call number `call` (from 1) of this thought and agent fails, or None when it succeeds."""
        last = 0
        for failure, times in self.fails:
            if times is None or call <= last + times:
                return failure
            last += times
        return None


_NOTHING = Script()


def read_script(text: str, agent_name: str) -> Script:
    """The directives of a text for one agent."""
    if "[[" not in text:
        return _NOTHING
    fails = tuple(
        (cast(Failure, kind), None if times == "*" else int(times))
        for agent, kind, times in _FAIL.findall(text)
        if agent == agent_name
    )
    delays = [int(ms) for agent, ms in _DELAY.findall(text) if agent == agent_name]
    return Script(fails, delays[-1] if delays else None)
