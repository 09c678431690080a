"""The entry point of `python -m evaluation`."""

from contracts import cli
from evaluation.commands import evaluation

if __name__ == "__main__":
    raise SystemExit(cli.run(evaluation, "python -m evaluation"))
