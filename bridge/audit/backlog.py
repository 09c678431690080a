"""Checks what waits or has stalled: the outbox, thoughts in work, batches."""

from bridge.audit import findings
from bridge.audit.queries import AuditQueries
from bridge.audit.snapshot import AuditSnapshot


def check_backlog(queries: AuditQueries, *, has_relay: bool, in_batches: bool, snapshot: AuditSnapshot) -> None:
    """Count what waits and report what has waited too long.

    Without Kafka (`has_relay` is false) nothing publishes the outbox, and outside of batch mode (`in_batches` is false)
    nothing begins a batch, so neither can be late.
    """
    outbox = queries.outbox()
    snapshot.numbers["outbox_rows"], snapshot.numbers["outbox_parked_rows"] = outbox.number, outbox.parked
    snapshot.numbers["outbox_oldest_seconds"] = outbox.seconds
    if outbox.first is not None and has_relay:
        snapshot.findings += findings.outbox(outbox.first, outbox.seconds)
    for row in queries.parked() if outbox.parked else []:
        snapshot.findings.append(findings.parked(row.id, row.topic, row.key, row.reason))
    for row in queries.stalled():
        snapshot.numbers["stalled_thoughts"] += 1
        snapshot.findings.append(findings.stalled(str(row.id), row.step, row.in_call, row.seconds))
    for row in queries.batches():
        snapshot.numbers["batches_open"] += 1
        snapshot.findings += findings.batch(row.id, row.seconds) if in_batches and not row.begun else []
