"""The command `python -m tests.faults`."""

import click

from tests.faults.catalogue import KINDS
from tests.faults.model_outages import run_outages
from tests.faults.rounds import run_rounds


@click.command()
@click.option("--rounds", default=20, show_default=True, help="How many faults.")
@click.option(
    "--seed", default=1, show_default=True, help="The same seed causes the same kinds of faults, in the same order."
)
@click.option("--people", default=16, show_default=True, help="How many people submit thoughts during the faults.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(sorted(KINDS)),
    help="Only faults of this kind, and of the others that are given so; each is caused equally often.",
)
@click.option(
    "--outage-seconds",
    default=60.0,
    show_default=True,
    help="How long each outage of the model service is; 0 for none.",
)
def faults(rounds: int, seed: int, people: int, kinds: tuple[str, ...], outage_seconds: float) -> int:
    """Cause random faults in a running stack under load, and check that no thought is lost, reordered or paid twice.

    Then, in another stack, let the model service fail in five ways, one after the other. Exit status: 0 no violations,
    1 at least one.
    """
    status = run_rounds(rounds, seed, people=people, kinds=kinds) if rounds else 0
    return max(status, run_outages(outage_seconds)) if outage_seconds else status
