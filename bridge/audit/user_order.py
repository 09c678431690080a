"""Checks the users' lines: calls kept their order, saved steps match their thoughts, retries stayed in their limit."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from bridge.audit import findings
from bridge.audit.queries import USERS_PER_PAGE, AuditQueries
from bridge.audit.snapshot import AuditSnapshot
from contracts.database import Row


def check_users(
    queries: AuditQueries, max_attempts: int, pages: Iterable[Sequence[UUID]], snapshot: AuditSnapshot
) -> None:
    """Check the users of the pages; `max_attempts` is a step's first call and its retries. Raises SQLAlchemyError."""
    for users in pages:
        rows = queries.thoughts(users)
        snapshot.numbers["users_checked"] += len(users)
        snapshot.numbers["thoughts_checked"] += rows[0].thoughts
        snapshot.numbers["runs_checked"] += rows[0].all_runs
        for row in rows:
            snapshot.findings += [] if row.id is None else _thought_findings(row, max_attempts)
        snapshot.findings += [
            findings.order(str(row.thought_id), str(row.user_id), row.step, row.turn)
            for row in queries.out_of_order(users)
        ]


def split_into_pages(users: Iterable[UUID]) -> Iterable[Sequence[UUID]]:
    """Return the users in pages of USERS_PER_PAGE."""
    listed = list(users)
    return [listed[start : start + USERS_PER_PAGE] for start in range(0, len(listed), USERS_PER_PAGE)]


def _thought_findings(row: Row, max_attempts: int) -> list[findings.Finding]:
    thought = str(row.id)
    inconsistencies = []
    if row.steps_missing:
        inconsistencies.append(findings.steps(thought, row.status, row.steps_done, row.runs))
    if row.dead_letter_missing:
        inconsistencies.append(findings.failed_without_dead_letter(thought, row.turn))
    if row.attempts > max_attempts:
        inconsistencies.append(findings.attempts(thought, row.attempts, max_attempts))
    return inconsistencies
