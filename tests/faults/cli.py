"""The command line of the faults."""

import argparse

from tests.faults.rounds import faults


def main() -> int:
    """Exit status 1 for any breach of the promise."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Faults at random, under load.")
    parser.add_argument("--rounds", type=int, default=20, help="how many faults (20)")
    parser.add_argument("--seed", type=int, default=1, help="the same one draws the same kinds of faults, in order (1)")
    parser.add_argument("--people", type=int, default=16, help="how many write meanwhile (16)")
    chosen = parser.parse_args()
    return faults(chosen.rounds, chosen.seed, people=chosen.people, say=lambda line: print(line, flush=True))  # noqa: T201 - a command answers
