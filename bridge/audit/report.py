"""The audit for people: a table of the partitions, the figures, and a line for each finding. Pure."""

from collections.abc import Iterator
from typing import Final

from bridge.console import plain
from contracts.audits import DONE, NUMBERS, STATES, Figures

SHORT: Final = ("first", "end", "committed", "lag")


def report(figures: Figures) -> Iterator[str]:
    """Lines for a terminal."""
    if figures["mode"] == "kafka":
        yield from _partitions(figures["partitions"])
    else:
        yield "Batch mode: no records are read, PostgreSQL's rows are the work."
    yield from (f"{_number(figures[name]):>12}  {name:26}{about}" for name, about in NUMBERS.items())
    yield from (plain(f"FOUND {one['kind']}: {one['subject']}: {one['line']}") for one in figures["found"])
    yield _verdict(figures)


def _partitions(partitions: list[Figures]) -> Iterator[str]:
    """Every record once: end - first = the sum of its line."""
    yield _row("partition", *SHORT, *STATES)
    for one in partitions:
        yield _row(one["partition"], *(one[name] for name in SHORT), *one["records"].values())
    sums = {state: sum(one["records"][state] for one in partitions) for state in STATES}
    read = sum(one["end"] - one["first"] for one in partitions)
    done = sum(number for state, number in sums.items() if state in DONE)
    rest = ", ".join(f"{sums[state]} {state}" for state in STATES if state not in DONE)
    yield f"{read} records = {done} done + {rest}"


def _row(*cells: object) -> str:
    return "".join(f"{cell!s:>11}" for cell in cells)


def _number(value: float) -> str:
    return f"{value:,.1f}" if value % 1 else f"{value:,.0f}"


def _verdict(figures: Figures) -> str:
    number = sum(figures["findings"].values())
    if not number:
        return "Everything adds up."
    more = number - len(figures["found"])
    return f"{number} {'thing does' if number == 1 else 'things do'} not add up" + (
        f", {more} not shown." if more else "."
    )
