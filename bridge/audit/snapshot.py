"""What one look at both stores counted and found."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from bridge.audit.findings import Finding
from contracts.audits import FINDING_KINDS, SINGLE_FIGURES, Figures


@dataclass(slots=True)
class AuditSnapshot:
    """Filled by the parts of an audit, one after the other."""

    partitions: list[Figures] = field(default_factory=list)
    numbers: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    findings: list[Finding] = field(default_factory=list)

    def figures(self, mode: str, most: int | None) -> Figures:
        """The object of `contracts.audits`, with so many findings in words; the numbers tell of all."""
        kinds = Counter(one.kind for one in self.findings)
        told = [{"kind": one.kind, "subject": one.subject, "line": one.line} for one in self.findings[:most]]
        return {
            "mode": mode,
            "adds_up": not self.findings,
            "partitions": self.partitions,
            "findings": {kind: kinds[kind] for kind in FINDING_KINDS},
            "found": told,
            **{name: round(self.numbers[name], 3) for name in SINGLE_FIGURES},
        }
