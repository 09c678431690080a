"""The commands of `python -m tests.simulation`."""

import os
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Final

import click

from tests.simulation.fault_coverage import MIN_HISTORIES, Campaign
from tests.simulation.guard_tests import GUARD_TESTS
from tests.simulation.guards import GUARDS, Guard, detect
from tests.simulation.histories import draw, play
from tests.simulation.shrink import shortest

CHUNK: Final = 250
"""Histories that a process plays before it reports."""


@click.group(invoke_without_command=True)
@click.pass_context
def simulation(context: click.Context) -> int | None:
    """Play random histories full of faults. Without a command, run `histories`."""
    return context.invoke(histories) if context.invoked_subcommand is None else None


@simulation.command()
@click.option("--runs", default=10_000, show_default=True, help="How many histories.")
@click.option("--seed", default=0, show_default=True, help="The first seed.")
def histories(runs: int, seed: int) -> int:
    """Play random histories, and count which faults hit which waits.

    Exit status: 0 all invariants held, 1 one was violated, or a required fault never happened.
    """
    started = time.monotonic()
    chunks = [range(start, min(start + CHUNK, seed + runs)) for start in range(seed, seed + runs, CHUNK)]
    total = Campaign()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for campaign in pool.map(_play_chunk, chunks):
            total.merge(campaign)
            if total.violation:
                pool.shutdown(cancel_futures=True)
                break
    _print_coverage(total)
    if total.failed_seed is not None:
        return _replay(total.failed_seed, frozenset())
    click.echo(f"All invariants held in all of them. They took {time.monotonic() - started:.0f} s.")
    missing = total.missing()
    for name in missing:
        click.echo(f"Required, but never happened: {name}")
    return 1 if missing and total.histories >= MIN_HISTORIES else 0


@simulation.command()
@click.option("--runs", default=10_000, show_default=True, help="How many histories per guard, at most.")
@click.option("--seed", default=0, show_default=True, help="The first seed.")
def guards(runs: int, seed: int) -> int:
    """Remove each guard in turn, and search for a violation.

    Prints how many histories it takes until one violates an invariant, or the test that fails without the guard.

    Exit status: 0 every guard is needed by a history or by a test, 1 one is not.
    """
    click.echo("Each guard is removed in turn: the histories until a violation, and the violation.")
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        detected = sum(pool.map(_report_guard, GUARDS, [runs] * len(GUARDS), [seed] * len(GUARDS)))
    click.echo(f"Histories need {detected} of {len(GUARDS)} guards; {len(GUARD_TESTS)} have a test of their own.")
    return 0 if detected + len(GUARD_TESTS) == len(GUARDS) else 1


def _require_guard(_: click.Context, __: click.Parameter, name: str) -> str:
    if name and name not in {guard.name for guard in GUARDS}:
        raise click.BadParameter(f"There is no guard {name}; `python -m tests.simulation guards` lists them.")
    return name


@simulation.command()
@click.argument("seed", type=int)
@click.option("--without", default="", metavar="GUARD", callback=_require_guard, help="Remove this guard.")
def replay(seed: int, without: str) -> int:
    """Play and print the history of one seed.

    If it violates an invariant, its shortest form is printed.

    Exit status: 0 all invariants held, 1 one was violated.
    """
    return _replay(seed, frozenset({without} - {""}))


def _play_chunk(seeds: range) -> Campaign:
    campaign = Campaign()
    campaign.play(seeds)
    return campaign


def _print_coverage(total: Campaign) -> None:
    click.echo(f"{total.histories} histories. Each action and observation, and in how many histories it happened:")
    for name, number in total.observations.most_common():
        click.echo(f"  {number:>7}  {name}")
    click.echo("Each wait, the faults that hit it, and in how many histories:")
    click.echo("\n".join(f"  {line}" for line in total.fault_lines()))


def _report_guard(guard: Guard, runs: int, first_seed: int) -> bool:
    """Print two lines about a guard; return whether a history needs it."""
    detection = None if guard.name in GUARD_TESTS else detect(guard, runs, first_seed)
    if detection is not None:
        found_by = "directed" if detection.seed is None else str(detection.histories)
        evidence = f"{detection.violation.invariant.value} ({detection.violation.description})"
    elif guard.name in GUARD_TESTS:
        found_by, evidence = "test", f"tests/{GUARD_TESTS[guard.name].file}::{GUARD_TESTS[guard.name].function}"
    else:
        found_by, evidence = "-", f"no violation in {runs} histories"
    click.echo(f"  {guard.name:<19} {found_by:>8}  {guard.rule}\n  {'':<19} {'':>8}  {evidence}")
    return detection is not None


def _replay(seed: int, disabled: frozenset[str]) -> int:
    """Print the trace of the shortest history found, and its violation."""
    history = shortest(draw(seed), disabled)
    result = play(history, disabled, with_trace=True)
    click.echo("\n".join(result.trace))
    if result.violation is None:
        click.echo(f"All invariants hold in the history of seed {seed}.")
        return 0
    click.echo(f"Seed {seed} violates: {result.violation.invariant.value}\n  {result.violation.description}")
    click.echo(f"{len(history)} actions are left: {', '.join(name for name, _ in history)}")
    without = "".join(f" --without {name}" for name in disabled)
    click.echo(f"To see it again: python -m tests.simulation replay {seed}{without}")
    return 1
