"""What waits and what stands still: the outbox, thoughts in work, batches."""

from bridge.audit import findings
from bridge.audit.queries import AuditQueries
from bridge.audit.snapshot import AuditSnapshot


def check_backlog(facts: AuditQueries, *, by_kafka: bool, in_batches: bool, found: AuditSnapshot) -> None:
    """Count and compare; without Kafka the outbox has nobody to take it, and beside it a batch has nobody."""
    outbox = facts.outbox()
    found.numbers["outbox_rows"], found.numbers["outbox_parked_rows"] = outbox.number, outbox.parked
    found.numbers["outbox_oldest_seconds"] = outbox.seconds
    if outbox.first is not None and by_kafka:
        found.findings += findings.outbox(outbox.first, outbox.seconds)
    for row in facts.parked() if outbox.parked else []:
        found.findings.append(findings.parked(row.id, row.topic, row.key, row.reason))
    for row in facts.stalled():
        found.numbers["silent_thoughts"] += 1
        found.findings.append(findings.stalled(str(row.id), row.step, row.in_call, row.seconds))
    for row in facts.batches():
        found.numbers["batches_open"] += 1
        found.findings += findings.batch(row.id, row.seconds) if in_batches and not row.begun else []
