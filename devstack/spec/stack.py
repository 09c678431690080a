"""What one `up` runs: its processes and addresses, written to DIR for the manager and the other commands."""

import signal
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from devstack.errors import DevstackError, NotUp
from devstack.spec.layout import StackDir, write_private
from devstack.spec.process_kinds import STOP_RANKS, Kind


class Process(BaseModel):
    """One process: what the manager starts, and how it ends it."""

    model_config = ConfigDict(frozen=True)

    name: str
    kind: Kind
    argv: list[str]
    environment: dict[str, str] = Field(default_factory=dict)
    """Beside what the manager has itself."""
    stop_signal: int = signal.SIGTERM
    stop_timeout: float = 30.0
    """Seconds between the stop signal and SIGKILL, as in docker-compose.yml: who waits for a store that is away, and
    then for its last commit, needs more than ten."""
    liveness_timeout: float = 60.0
    """Seconds without a heartbeat after which it is replaced, where it has one at all."""
    user: str | None = None

    @property
    def stop_rank(self) -> int:
        return STOP_RANKS[self.kind]


class Stack(BaseModel):
    """One stack as it was asked for. Addresses are None for what was not asked for."""

    model_config = ConfigDict(frozen=True)

    request: dict[str, str | dict[str, int] | None]
    """The arguments of `up`, but for the settings, which may be secrets: to see whether two requests are the same."""
    port_base: int
    web_url: str | None
    flower_url: str | None
    kafka_bootstrap: str | None
    kafka: str | None
    redis_url: str
    database_url: str
    processes: list[Process]
    detached: bool
    complete: bool = False
    """True once every process was ready."""

    def named(self, name: str) -> list[Process]:
        """The process of that name, or all of that kind. Raises DevstackError when there is none."""
        found = [each for each in self.processes if name in {each.name, each.kind}]
        if not found:
            names = ", ".join(each.name for each in self.processes)
            raise DevstackError(f"There is no process {name!r} in this stack; there are {names}.")
        return found


def save(home: StackDir, stack: Stack) -> None:
    """Write the stack down for the manager and the other commands."""
    write_private(home.stack_file, stack.model_dump_json(indent=1))


def load(home: StackDir) -> Stack:
    """Read what the last `up` wrote. Raises NotUp when there was none, or none that can be understood."""
    try:
        return Stack.model_validate_json(Path(home.stack_file).read_text())
    except (FileNotFoundError, ValueError):
        raise NotUp(
            f"There is no stack in {home.root}. Start one with: python -m devstack up --dir {home.root}"
        ) from None
