"""The entry point of `python -m training`."""

from contracts import cli
from training.commands import training

if __name__ == "__main__":
    raise SystemExit(cli.run(training, "python -m training"))
