"""Measures the memory of every process of a stack under load, for the limits in docker-compose.yml.

The offline agents and memory are on, so that each worker holds both embedding models. Thoughts are written faster than
they are analysed, every author has an open stream, and the texts are long. Printed is the highest value of each process
together with its children. Memory that several processes share is counted once (PSS), where the system says it.
"""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final
from uuid import uuid4

import psutil
from sqlalchemy import text

from bench.browsers import Browsers
from bench.figures import print_machine
from bench.processor import Processes
from bench.stack import RunningStack
from bench.waiting import wait_until
from contracts.database import Database, make_engine

SAMPLE_SECONDS: Final = 1.0
SENTENCE: Final = "Number {number}: should I move to Lisbon with Anna before 3 March, or finish the garden first? "

OPEN_THOUGHTS: Final = text("SELECT count(*) AS number FROM thoughts WHERE finished_at IS NULL")
"""How many thoughts are not analysed yet."""


def measure(stack: RunningStack, *, users: int, thoughts: int, characters: int) -> None:
    """Post `thoughts` for each user, wait for the last result, and print the highest memory of each process."""
    print(f"{users} users with an open stream, {thoughts} thoughts of {characters} characters each")
    print_machine()
    database = Database(make_engine(stack.database_url.replace("postgresql:", "postgresql+psycopg2:"), "bench"))
    with highest_memory(stack.processes) as highest:
        asyncio.run(_load(Browsers(str(stack.web_url)), users, thoughts, characters))
        wait_until(lambda: not database.rows(OPEN_THOUGHTS)[0].number)
    for name, megabytes in sorted(highest.items(), key=lambda item: -item[1]):
        print(f"  {name:12} {megabytes:.0f} MB")
    print_machine()


async def _load(browsers: Browsers, users: int, thoughts: int, characters: int) -> None:
    user_ids = [uuid4() for _ in range(users)]
    streams = [await browsers.open(user) for user in user_ids]
    for number in range(thoughts):
        sentence = SENTENCE.format(number=number)
        written = (sentence * (1 + characters // len(sentence)))[:characters]
        await asyncio.to_thread(browsers.post, user_ids, written)
    for stream in streams:
        stream.cancel()


@contextmanager
def highest_memory(processes: Processes) -> Iterator[Mapping[str, float]]:
    """Yield the highest megabytes of each process so far, by name and number; a thread keeps them up to date."""
    highest: dict[str, float] = {}
    stop = threading.Event()

    def sample() -> None:
        while not stop.wait(SAMPLE_SECONDS):
            for name, pids in processes.items():
                for number, pid in enumerate(pids, 1):
                    key = f"{name}.{number}"
                    highest[key] = max(highest.get(key, 0.0), tree_megabytes(pid))

    sampler = threading.Thread(target=sample, name="memory", daemon=True)
    sampler.start()
    try:
        yield highest
    finally:
        stop.set()
        sampler.join()


def tree_megabytes(pid: int) -> float:
    """Return the memory of a process and its children; 0 when it is gone."""
    try:
        family = [(parent := psutil.Process(pid)), *parent.children(recursive=True)]
        return sum(_bytes(process) for process in family) / 1e6
    except psutil.NoSuchProcess:
        return 0.0


def _bytes(process: psutil.Process) -> int:
    try:
        memory = process.memory_full_info()
        return int(getattr(memory, "pss", memory.rss))
    except psutil.AccessDenied:  # PostgreSQL, when it runs as another account
        return int(process.memory_info().rss)
