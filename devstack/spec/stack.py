"""Describes what one `up` runs, and stores it in DIR for the manager and the other commands."""

import signal
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from devstack.errors import DevstackError, NotUp
from devstack.spec.layout import StackDir, write_private
from devstack.spec.process_kinds import STOP_RANKS, Kind


class Process(BaseModel):
    """One process: how the manager starts, watches and stops it."""

    model_config = ConfigDict(frozen=True)

    name: str
    kind: Kind
    argv: list[str]
    environment: dict[str, str] = Field(default_factory=dict)
    """Variables added to the manager's own environment."""
    stop_signal: int = signal.SIGTERM
    stop_timeout: float = 30.0
    """Seconds between the stop signal and SIGKILL, as in docker-compose.yml: a process that waits for an unavailable
    store, and then for its last commit, needs more than ten."""
    liveness_timeout: float = 60.0
    """Seconds without a heartbeat after which a process of HEARTBEAT_KINDS is replaced."""
    user: str | None = None
    """Account that runs the process; None for the account of the manager."""

    @property
    def stop_rank(self) -> int:
        return STOP_RANKS[self.kind]


class Stack(BaseModel):
    """One stack as `up` requested it. The address of a part that was not requested is None."""

    model_config = ConfigDict(frozen=True)

    request: dict[str, str | dict[str, int] | None]
    """Options of `up`, to tell one request from another; settings as a digest, because they may be secrets."""
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
    """True after every process has been ready once."""

    def find_processes(self, name: str) -> list[Process]:
        """Return the process of this name, or all processes of this kind. Raises DevstackError when there is none."""
        matches = [process for process in self.processes if name in {process.name, process.kind}]
        if not matches:
            names = ", ".join(process.name for process in self.processes)
            raise DevstackError(f"This stack has no process {name!r}. Its processes are {names}.")
        return matches


def save(stack_dir: StackDir, stack: Stack) -> None:
    """Write the stack to DIR/stack.json."""
    write_private(stack_dir.stack_file, stack.model_dump_json(indent=1))


def load(stack_dir: StackDir) -> Stack:
    """Read the stack of the last `up`. Raises NotUp when DIR/stack.json is missing or invalid."""
    try:
        return Stack.model_validate_json(Path(stack_dir.stack_file).read_text())
    except (FileNotFoundError, ValueError):
        raise NotUp(
            f"There is no stack in {stack_dir.root}. Start one with: python -m devstack up {stack_dir.option}"
        ) from None
