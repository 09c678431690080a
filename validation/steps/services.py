"""Step 1: every kind of process reports that it runs."""

from collections import Counter
from collections.abc import Iterable
from typing import Final, get_args

from contracts.presence import PRESENT_SECONDS, Presence, ProcessKind
from validation.outcome import StepFailedError
from validation.site import Site

KINDS: Final[tuple[ProcessKind, ...]] = get_args(ProcessKind)


def check_services(site: Site) -> str:
    """Read the reports of the processes in Redis."""
    seen = Presence(site.redis, site.settings.redis_prefix).read()
    return judge_processes(process.report.kind for process in seen)


def judge_processes(kinds: Iterable[ProcessKind]) -> str:
    """Return how many processes of each kind run. Raises StepFailedError when there is none of a kind."""
    counts = Counter(kinds)
    running = ", ".join(f"{kind} {counts[kind]}" for kind in KINDS if counts[kind]) or "no process"
    seen = f"{running} reported within the last {PRESENT_SECONDS:g} s"
    if missing := [kind for kind in KINDS if not counts[kind]]:
        raise StepFailedError(
            f"{seen}; none of: {', '.join(missing)}",
            f"start {', '.join(missing)} and read the end of its log (`make status`, or `docker compose ps --all`)",
        )
    return seen
