"""The users' lines: whether calls kept their order, saved steps are what the thoughts say, and retries stayed three."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from bridge.audit import findings
from bridge.audit.queries import USERS_PER_PAGE, AuditQueries
from bridge.audit.snapshot import AuditSnapshot
from contracts.database import Row


def check_users(facts: AuditQueries, allowed: int, pages: Iterable[Sequence[UUID]], found: AuditSnapshot) -> None:
    """Check the users of the pages; `allowed` calls of a step are a first one and its retries."""
    for users in pages:
        rows = facts.thoughts(users)
        found.numbers["users_checked"] += len(users)
        found.numbers["thoughts_checked"] += rows[0].thoughts
        found.numbers["runs_checked"] += rows[0].all_runs
        for row in rows:
            found.findings += [] if row.id is None else _thought_findings(row, allowed)
        found.findings += [
            findings.order(str(row.thought_id), str(row.user_id), row.step, row.turn)
            for row in facts.out_of_order(users)
        ]


def paged(users: Iterable[UUID]) -> Iterable[Sequence[UUID]]:
    """The users, so many at a time."""
    every = list(users)
    return [every[start : start + USERS_PER_PAGE] for start in range(0, len(every), USERS_PER_PAGE)]


def _thought_findings(row: Row, allowed: int) -> list[findings.Finding]:
    thought = str(row.id)
    found = []
    if row.unsaved:
        found.append(findings.steps(thought, row.status, row.steps_done, row.runs))
    if row.unburied:
        found.append(findings.failed_without_dead_letter(thought, row.turn))
    if row.attempts > allowed:
        found.append(findings.attempts(thought, row.attempts, allowed))
    return found
