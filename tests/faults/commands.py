"""The command `python -m tests.faults`."""

import click

from tests.faults.rounds import run_rounds


@click.command()
@click.option("--rounds", default=20, show_default=True, help="How many faults.")
@click.option(
    "--seed", default=1, show_default=True, help="The same seed causes the same kinds of faults, in the same order."
)
@click.option("--people", default=16, show_default=True, help="How many people submit thoughts during the faults.")
def faults(rounds: int, seed: int, people: int) -> int:
    """Cause random faults in a running stack under load, and check that no thought is lost, reordered or paid twice.

    Exit status: 0 no violations, 1 at least one.
    """
    return run_rounds(rounds, seed, people=people)
