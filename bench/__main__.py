"""The entry point of `python -m bench`."""

from bench.commands import bench
from contracts import cli

if __name__ == "__main__":
    raise SystemExit(cli.run(bench, "python -m bench"))
