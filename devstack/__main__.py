"""Entry point of `python -m devstack`."""

from contracts import cli
from devstack.cli import devstack

if __name__ == "__main__":
    raise SystemExit(cli.run(devstack, "python -m devstack"))
