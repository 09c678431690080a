"""The entry point of `python -m bridge`."""

from bridge.commands import bridge
from contracts import cli

if __name__ == "__main__":
    raise SystemExit(cli.run(bridge, "python -m bridge"))
