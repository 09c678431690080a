"""The entry point of `python -m tests.simulation`."""

from contracts import cli
from tests.simulation.commands import simulation

if __name__ == "__main__":
    raise SystemExit(cli.run(simulation, "python -m tests.simulation"))
