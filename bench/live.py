"""Measures what users see: thoughts per minute with agents that take time, and the delay of each progress event.

Thoughts are posted and all users' streams are read over HTTP. The delay of an event begins at `finished_at` of the step
or the thought, which PostgreSQL takes inside the saving statement, and ends when the line with the event is read here.
It contains the commit, Redis, the web process and its socket, and the queueing of this reader. Both times are from the
same machine's clock.

The rate is measured from the first POST to the end of the last thought. A user's thoughts are analysed one after the
other, so it cannot exceed users / (5 x delay).
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import time
from uuid import UUID, uuid4

from sqlalchemy import text

from agents.catalogue import CATALOGUE
from bench.browsers import Browsers, Fact
from bench.figures import percentile, print_machine, spread
from bench.waiting import POLL_SECONDS, TIMEOUT_SECONDS
from contracts.database import Database, make_engine
from contracts.settings import Settings

LAST_EVENTS_SECONDS = 1.0
"""How long the last events may take to arrive. Later events count as missing."""

SHARES = (0.5, 0.95, 0.99)

TEXT = "Should I learn to play the cello this winter?"
TEXT_WITHOUT_DELAY = TEXT + "".join(f" [[delay:{agent}:0]]" for agent in CATALOGUE.names)

FACTS = text("""
    SELECT thought_id::text AS thought, step, EXTRACT(epoch FROM finished_at)::float8 AS at FROM agent_runs
     WHERE thought_id = ANY (CAST(:ids AS uuid[]))
     UNION ALL
    SELECT id::text, 0, EXTRACT(epoch FROM finished_at)::float8 FROM thoughts
     WHERE id = ANY (CAST(:ids AS uuid[])) AND status = 'completed'
""")


@dataclass(frozen=True, slots=True)
class Round:
    """The result of one round."""

    thoughts_per_minute: float
    delays: list[float]
    """Milliseconds, one for each event that arrived."""
    missing: int
    """How many events did not arrive."""


def measure(web_url: str, settings: Settings, *, users: int, thoughts: int, rounds: int) -> None:
    """Post `thoughts` for each user per round; print the rate, and the percentiles of the delays with their spread."""
    print(f"{users} users, {thoughts} thoughts each per round, {settings.scripted_delay_ms} ms per agent")
    print_machine()
    database = Database(make_engine(settings.database_url, "bench"))
    results = asyncio.run(_run_rounds(Browsers(web_url), database, users, thoughts, rounds))
    print(f"thoughts per minute: {spread([result.thoughts_per_minute for result in results], '.0f')}")
    for share in SHARES:
        values = [percentile(result.delays, share) for result in results]
        print(f"delay of a progress event, p{share * 100:.0f}: {spread(values, '.0f')} ms")
    print(f"events that did not arrive: {sum(result.missing for result in results)}")
    print_machine()


async def _run_rounds(browsers: Browsers, database: Database, users: int, thoughts: int, rounds: int) -> list[Round]:
    user_ids = [uuid4() for _ in range(users)]
    streams = [await browsers.open(user) for user in user_ids]
    await _run_round(browsers, database, user_ids, [TEXT_WITHOUT_DELAY])
    results = []
    for number in range(1, rounds + 1):
        results.append(await _run_round(browsers, database, user_ids, [TEXT] * thoughts))
        print(f"round {number}: {_summary(results[-1])}", flush=True)
    for stream in streams:
        stream.cancel()
    return results


def _summary(result: Round) -> str:
    percentiles = ", ".join(f"p{share * 100:.0f} {percentile(result.delays, share):.0f} ms" for share in SHARES)
    return f"{result.thoughts_per_minute:.0f} thoughts per minute, {len(result.delays)} events, {percentiles}"


async def _run_round(browsers: Browsers, database: Database, user_ids: list[UUID], texts: Sequence[str]) -> Round:
    started_at = time()
    with ThreadPoolExecutor(1) as poster:
        ids = [
            thought_id
            for thought_text in texts
            for thought_id in await asyncio.get_running_loop().run_in_executor(
                poster, browsers.post, user_ids, thought_text
            )
        ]
    facts = await _wait_for_facts(database, ids)
    await asyncio.sleep(LAST_EVENTS_SECONDS)
    delays = [(browsers.arrivals[fact] - at) * 1000 for fact, at in facts.items() if fact in browsers.arrivals]
    return Round(60 * len(ids) / (max(facts.values()) - started_at), delays, len(facts) - len(delays))


async def _wait_for_facts(database: Database, ids: list[str]) -> dict[Fact, float]:
    deadline = time() + TIMEOUT_SECONDS
    while time() < deadline:
        await asyncio.sleep(10 * POLL_SECONDS)
        rows = await asyncio.to_thread(database.rows, FACTS, ids=ids)
        if len(rows) == len(ids) * (CATALOGUE.total + 1):
            return {(row.thought, row.step): row.at for row in rows}
    raise SystemExit(f"The measurement did not end within {TIMEOUT_SECONDS:g} s.")
