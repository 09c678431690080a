"""Measures what partial texts cost the web process, and how many of them arrive.

In each round all calls write at once, five texts a second each, and all streams of their users are open. The same calls
are then repeated without writing, so the difference is the cost of the texts alone.
"""

import asyncio
from dataclasses import dataclass
from uuid import uuid4

from bench.browsers import Browsers
from bench.figures import print_machine, spread
from bench.processor import Processes, cpu_seconds
from bench.stack import RunningStack

SETTLE_SECONDS = 3.0
"""How long all calls may take to begin."""

AGENT = "action_plan"
"""The agent that writes: its scripted answer is the longest, so that nearly every piece of it changes the text."""

AIM_CORES = 0.5


@dataclass(frozen=True, slots=True)
class Load:
    """How many streams and calls there are at once, and for how long they are measured."""

    streams: int
    calls: int
    seconds: float
    rounds: int


@dataclass(frozen=True, slots=True)
class Window:
    """The cores that each kind of process used in a measured window, and the texts that arrived per second."""

    cores: dict[str, float]
    texts_per_second: float


def measure(stack: RunningStack, load: Load) -> None:
    """Print the cores of each process while the calls write and while they do not."""
    print(f"{load.streams} streams of {load.calls} users, {load.calls} calls at once, {load.seconds:g} s per round")
    print_machine()
    writing, silent = asyncio.run(_run_rounds(stack, load))
    print(f"texts that arrive per second: {spread([window.texts_per_second for window in writing], '.0f')}")
    for name in ("web", "worker", "redis"):
        with_texts, without = ([window.cores[name] for window in windows] for windows in (writing, silent))
        print(f"cores of {name}: {spread(with_texts)}; without texts {spread(without)}")
    print(f"aim for web: at most {AIM_CORES} cores")
    print_machine()


async def _run_rounds(stack: RunningStack, load: Load) -> tuple[list[Window], list[Window]]:
    browsers = Browsers(str(stack.web_url))
    writing, silent = [], []
    for _ in range(load.rounds):
        writing.append(await _run_round(browsers, stack.processes, load, "write"))
        silent.append(await _run_round(browsers, stack.processes, load, "delay"))
    return writing, silent


async def _run_round(browsers: Browsers, processes: Processes, load: Load, directive: str) -> Window:
    """Open the streams of new users, start one call of each, and measure while all of them are in progress."""
    users = [uuid4() for _ in range(load.calls)]
    streams = [await browsers.open(users[number % load.calls]) for number in range(load.streams)]
    milliseconds = round(1000 * (load.seconds + 2 * SETTLE_SECONDS))
    await asyncio.to_thread(browsers.post, users, f"A thought [[{directive}:{AGENT}:{milliseconds}]]")
    await asyncio.sleep(SETTLE_SECONDS)
    window = await _measure_window(browsers, processes, load.seconds)
    for stream in streams:
        stream.cancel()
    await asyncio.sleep(2 * SETTLE_SECONDS)
    return window


async def _measure_window(browsers: Browsers, processes: Processes, seconds: float) -> Window:
    before, texts, loop = cpu_seconds(processes), browsers.partial_texts, asyncio.get_running_loop()
    started_at = loop.time()
    await asyncio.sleep(seconds)
    elapsed, after = loop.time() - started_at, cpu_seconds(processes)
    cores = {name: (after[name] - before[name]) / elapsed for name in after}
    return Window(cores, (browsers.partial_texts - texts) / elapsed)
