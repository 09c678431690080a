"""`python -m bench ratio`: the whole path beside Celery alone."""

import argparse

from bench.ratio import Load, compare
from bench.stack import running_stack


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("measurement", choices=["ratio"])
    parser.add_argument("--thoughts", type=int, default=400)
    parser.add_argument("--users", type=int, default=100)
    parser.add_argument("--delay-ms", type=int, default=0, help="how long each agent waits")
    parser.add_argument("--concurrency", type=int, default=40, help="threads of the one worker on each side")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    load = Load(chosen.thoughts, chosen.users, chosen.delay_ms, chosen.concurrency)
    settings = {"SCRIPTED_DELAY_MS": str(load.delay_ms), "WORKER_CONCURRENCY": str(load.concurrency)}
    with running_stack(settings, "web=1,relay=1,bridge=1,worker=1,beat=0,flower=0") as addresses:
        compare(addresses, load, chosen.rounds)


if __name__ == "__main__":
    main()
