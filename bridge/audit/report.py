"""The audit for people: a table of the partitions, the figures, and a line for each finding. Pure."""

from collections.abc import Iterator
from typing import Final

from bridge.console import escape_control_chars
from contracts.audits import DONE_STATES, RECORD_STATES, SINGLE_FIGURES, Figures

PARTITION_COLUMNS: Final = ("first", "end", "committed", "lag")


def report(figures: Figures) -> Iterator[str]:
    """Lines for a terminal."""
    if figures["mode"] == "kafka":
        yield from _partitions(figures["partitions"])
    else:
        yield "Batch mode: no records are read, PostgreSQL's rows are the work."
    yield from (f"{_number(figures[name]):>12}  {name:26}{about}" for name, about in SINGLE_FIGURES.items())
    yield from (
        escape_control_chars(f"FOUND {one['kind']}: {one['subject']}: {one['line']}") for one in figures["found"]
    )
    yield _summary(figures)


def _partitions(partitions: list[Figures]) -> Iterator[str]:
    """Every record once: end - first = the sum of its line."""
    yield _row("partition", *PARTITION_COLUMNS, *RECORD_STATES)
    for one in partitions:
        yield _row(one["partition"], *(one[name] for name in PARTITION_COLUMNS), *one["records"].values())
    sums = {state: sum(one["records"][state] for one in partitions) for state in RECORD_STATES}
    read = sum(one["end"] - one["first"] for one in partitions)
    done = sum(number for state, number in sums.items() if state in DONE_STATES)
    rest = ", ".join(f"{sums[state]} {state}" for state in RECORD_STATES if state not in DONE_STATES)
    yield f"{read} records = {done} done + {rest}"


def _row(*cells: object) -> str:
    return "".join(f"{cell!s:>11}" for cell in cells)


def _number(value: float) -> str:
    return f"{value:,.1f}" if value % 1 else f"{value:,.0f}"


def _summary(figures: Figures) -> str:
    number = sum(figures["findings"].values())
    if not number:
        return "Everything adds up."
    more = number - len(figures["found"])
    return f"{number} {'thing does' if number == 1 else 'things do'} not add up" + (
        f", {more} not shown." if more else "."
    )
