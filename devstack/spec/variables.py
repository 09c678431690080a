"""Gives single processes variables on purpose (`up --env`), because they inherit only what is allowed."""

import re
from dataclasses import dataclass, field

from devstack.errors import DevstackError
from devstack.spec.stack import Stack


@dataclass(frozen=True)
class Variable:
    """A variable of a process, or of all processes of a kind."""

    process: str
    name: str
    value: str = field(repr=False)


def parse_variables(texts: list[str]) -> list[Variable]:
    """Parse items such as `worker.1:LD_PRELOAD=/lib/faketime.so`. Raises DevstackError."""
    return [_parse(text) for text in texts]


def _parse(text: str) -> Variable:
    match = re.fullmatch(r"([a-z.0-9]+):([A-Za-z_][A-Za-z0-9_]*)=(.*)", text, re.DOTALL)
    if not match:
        raise DevstackError(
            f"--env {text.partition('=')[0]}: write PROCESS:NAME=VALUE, such as worker.1:TZ=Asia/Tokyo."
        )
    return Variable(*match.groups())


def with_variables(stack: Stack, variables: list[Variable]) -> Stack:
    """Return the stack whose processes have these variables. Raises DevstackError for an unknown process."""
    for variable in variables:
        chosen = {process.name for process in stack.find_processes(variable.process)}
        added = {variable.name: variable.value}
        processes = [
            process.model_copy(update={"environment": process.environment | added})
            if process.name in chosen
            else process
            for process in stack.processes
        ]
        stack = stack.model_copy(update={"processes": processes})
    return stack
