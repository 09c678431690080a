"""The entry point of `python -m agents`."""

from agents.commands import agents
from contracts import cli

if __name__ == "__main__":
    raise SystemExit(cli.run(agents, "python -m agents"))
