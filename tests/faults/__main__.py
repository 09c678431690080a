"""The entry point of `python -m tests.faults`."""

from contracts import cli
from tests.faults.commands import faults

if __name__ == "__main__":
    raise SystemExit(cli.run(faults, "python -m tests.faults"))
