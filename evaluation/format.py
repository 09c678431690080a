"""Formats figures and tables for a reader."""

from collections.abc import Sequence

from evaluation.statistics import Share


def percent(share: float | None) -> str:
    """Return a share as "81.2%", or "-" when it is unknown."""
    return "-" if share is None else f"{100 * share:.1f}%"


def with_interval(share: Share) -> str:
    """Return a share with its 95% interval: "81.2% (76.0 to 85.4)"."""
    if share.value is None:
        return "-"
    lowest, highest = share.interval
    return f"{percent(share.value)} ({100 * lowest:.1f} to {100 * highest:.1f})"


def counted(share: Share) -> str:
    """Return a share with its counts and its 95% interval: "35 of 41, 85.4% (71.6 to 93.1)"."""
    counts = f"{share.cases} of {share.total}"
    return counts if share.value is None else f"{counts}, {with_interval(share)}"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows as lines with aligned columns: the first to the left, the others to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        ).rstrip()
        for row in rows
    ]
