"""Collects what one pass over both stores has counted and found."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from bridge.audit.findings import Finding
from contracts.audits import FINDING_KINDS, SINGLE_FIGURES, Figures


@dataclass(slots=True)
class AuditSnapshot:
    """Numbers and findings; each check of an audit adds its own."""

    partitions: list[Figures] = field(default_factory=list)
    numbers: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    findings: list[Finding] = field(default_factory=list)

    def figures(self, mode: str, max_findings: int | None) -> Figures:
        """Return the object of `contracts.audits`: the first `max_findings` as lines, all of them in the numbers."""
        kinds = Counter(finding.kind for finding in self.findings)
        lines = [
            {"kind": finding.kind, "subject": finding.subject, "text": finding.text}
            for finding in self.findings[:max_findings]
        ]
        return {
            "mode": mode,
            "consistent": not self.findings,
            "partitions": self.partitions,
            "findings": {kind: kinds[kind] for kind in FINDING_KINDS},
            "finding_details": lines,
            **{name: round(self.numbers[name], 3) for name in SINGLE_FIGURES},
        }
