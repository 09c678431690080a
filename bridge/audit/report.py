"""Renders an audit for people: a table of the partitions, the figures, and a line for each inconsistency. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from contracts.audits import DONE_STATES, RECORD_STATES, SINGLE_FIGURES, Figures
from contracts.visible_text import escape_control_chars

PARTITION_COLUMNS: Final = ("first", "end", "committed", "lag")


def report(figures: Figures) -> Iterator[str]:
    """Yield the lines of the report."""
    if figures["mode"] == "kafka":
        yield from _partition_lines(figures["partitions"])
    else:
        yield "Batch mode: thoughts are processed from PostgreSQL, so no Kafka records were checked."
    yield from (f"{_number(figures[name]):>12}  {name:26}{about}" for name, about in SINGLE_FIGURES.items())
    yield from (
        escape_control_chars(f"{finding['kind']}: {finding['subject']}: {finding['text']}")
        for finding in figures["finding_details"]
    )
    yield _summary(figures)


def _partition_lines(partitions: Sequence[Figures]) -> Iterator[str]:
    """Yield a table in which every offset is counted once: `end` - `first` is the sum of the states in its row."""
    header = ("partition", *PARTITION_COLUMNS, *RECORD_STATES)
    rows = [
        (
            partition["partition"],
            *(partition[name] for name in PARTITION_COLUMNS),
            *(partition["records"][state] for state in RECORD_STATES),
        )
        for partition in partitions
    ]
    yield from _table([header, *rows])
    sums = {state: sum(partition["records"][state] for partition in partitions) for state in RECORD_STATES}
    offsets = sum(partition["end"] - partition["first"] for partition in partitions)
    done = sum(number for state, number in sums.items() if state in DONE_STATES)
    rest = ", ".join(f"{sums[state]} {state}" for state in RECORD_STATES if state not in DONE_STATES)
    yield f"{offsets} offsets of the work topic: {done} done, {rest}."


def _table(rows: Sequence[Sequence[object]]) -> Iterator[str]:
    """Yield the rows with right-aligned columns, each as wide as its widest cell."""
    widths = [max(len(str(cell)) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(f"{cell!s:>{width}}" for cell, width in zip(row, widths, strict=True))


def _number(value: float) -> str:
    return f"{value:,.1f}" if value % 1 else f"{value:,.0f}"


def _summary(figures: Figures) -> str:
    number = sum(figures["findings"].values())
    if not number:
        return "Everything is consistent."
    hidden = number - len(figures["finding_details"])
    return f"{number} {'inconsistency' if number == 1 else 'inconsistencies'}" + (
        f", {hidden} of them not shown." if hidden else "."
    )
