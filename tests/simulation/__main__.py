"""`python -m tests.simulation [--runs N] [--seed S]`, `... guards`, `... replay SEED [--without GUARD]`."""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.coverage import ENOUGH, Campaign
from tests.simulation.guards import GUARDS, Guard, catch
from tests.simulation.histories import draw, play
from tests.simulation.shrink import shortest
from tests.simulation.tested import TESTED

CHUNK = 250


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("what", nargs="?", choices=["histories", "guards", "replay"], default="histories")
    parser.add_argument("replayed", nargs="?", type=int, default=0, help="the seed to replay")
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--without", default="", help="a guard to switch off, as the table of guards names it")
    given = parser.parse_args(arguments)
    off = frozenset({given.without} - {""})
    if off - {guard.name for guard in GUARDS}:
        parser.error(f"there is no guard {given.without}; `python -m tests.simulation guards` names them")
    if given.what == "replay":
        return _replay(given.replayed, off)
    return _guards(given.runs, given.seed) if given.what == "guards" else _histories(given.runs, given.seed)


def _histories(runs: int, first: int) -> int:
    begun = time.monotonic()
    chunks = [range(at, min(at + CHUNK, first + runs)) for at in range(first, first + runs, CHUNK)]
    whole = Campaign()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for one in pool.map(_campaign, chunks):
            whole.add(one)
            if whole.breach:
                pool.shutdown(cancel_futures=True)
                break
    print(f"{whole.runs} histories. In how many of them a thing happened:")  # noqa: T201  a command's output
    for name, number in whole.met.most_common():
        print(f"  {number:>7}  {name}")  # noqa: T201
    print("Where faults met whom, and in how many histories:")  # noqa: T201
    print("\n".join(f"  {line}" for line in whole.faults()))  # noqa: T201
    if whole.seed is not None:
        return _replay(whole.seed, frozenset())
    print(f"The promise was kept in all of them. They took {time.monotonic() - begun:.0f} s.")  # noqa: T201
    blunt = whole.blunt()
    for what in blunt:
        print(f"This must happen, and never did: {what}")  # noqa: T201
    return 1 if blunt and whole.runs >= ENOUGH else 0


def _campaign(seeds: range) -> Campaign:
    campaign = Campaign()
    campaign.play(seeds)
    return campaign


def _guards(runs: int, first: int) -> int:
    print("Each guard switched off in turn: how many histories go by until it is missed, and what breaks then.")  # noqa: T201
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        missed = sum(pool.map(_guard, GUARDS, [runs] * len(GUARDS), [first] * len(GUARDS)))
    print(f"{missed} of {len(GUARDS)} guards were missed; {len(TESTED)} are shown by a test of their own.")  # noqa: T201
    return 0 if missed + len(TESTED) == len(GUARDS) else 1


def _guard(guard: Guard, runs: int, first: int) -> bool:
    """Two lines of the table; whether the guard was missed."""
    caught = None if guard.name in TESTED else catch(guard, runs, first)
    if caught is not None:
        how = "directed" if caught.seed is None else str(caught.runs)
        told = f"{caught.breach.sentence.value} ({caught.breach.what})"
    else:
        how, told = "-", f"not missed in {runs} histories"
        if guard.name in TESTED:
            how, told = "test", f"tests/{TESTED[guard.name].file}::{TESTED[guard.name].function}"
    print(f"  {guard.name:<17} {how:>8}  {guard.what}\n  {'':<17} {'':>8}  {told}", flush=True)  # noqa: T201
    return caught is not None


def _replay(seed: int, off: frozenset[str]) -> int:
    """Print the shortest history found, with what happened in it."""
    history = shortest(draw(seed), off)
    played = play(history, off, tell=True)
    print("\n".join(played.story))  # noqa: T201
    if played.breach is None:
        print(f"Seed {seed} keeps the promise.")  # noqa: T201
        return 0
    print(f"Seed {seed} broke: {played.breach.sentence.value}\n  {played.breach.what}")  # noqa: T201
    print(f"{len(history)} actions are left: {', '.join(name for name, _ in history)}")  # noqa: T201
    print(f"Again: python -m tests.simulation replay {seed}{''.join(f' --without {one}' for one in off)}")  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
