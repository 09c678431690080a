"""What people see: thoughts a minute with agents that take time, and how far each progress event is behind its fact.

Thoughts are posted over HTTP, all users' streams are read over HTTP. An event's delay is from the moment that
PostgreSQL wrote down for the step or the thought (`finished_at`, taken inside the saving statement) to the moment when
the line with the event is read here: the commit, Redis, the web process and its socket are in it, and this reader's
own queueing. Both clocks are the machine's.

The rate counts from the first POST to the last thought's end. A user's thoughts follow one another, so it cannot exceed
users / (5 x delay).
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
from bench.waiting import LONGEST_SECONDS, LOOK_SECONDS
from contracts.database import Database, make_engine
from contracts.settings import Settings

SETTLE_SECONDS = 1.0
"""How long the last events may take; what arrives later counts as missing."""

SHARES = (0.5, 0.95, 0.99)

TEXT = "Should I learn to play the cello this winter?"
QUICK = TEXT + "".join(f" [[delay:{agent}:0]]" for agent in CATALOGUE.names)

FACTS = text("""
    SELECT thought_id::text AS thought, step, EXTRACT(epoch FROM finished_at)::float8 AS at FROM agent_runs
     WHERE thought_id = ANY (CAST(:ids AS uuid[]))
     UNION ALL
    SELECT id::text, 0, EXTRACT(epoch FROM finished_at)::float8 FROM thoughts
     WHERE id = ANY (CAST(:ids AS uuid[])) AND status = 'completed'
""")


@dataclass(frozen=True, slots=True)
class Round:
    """`delays` in milliseconds, one for each event that arrived; `missing` counts those that did not."""

    a_minute: float
    delays: list[float]
    missing: int


def measure(web_url: str, settings: Settings, *, users: int, thoughts: int, rounds: int) -> None:
    """Post `thoughts` of each user a round; print the rate and the delays' percentiles with their spread."""
    print(f"{users} users, {thoughts} thoughts each a round, {settings.scripted_delay_ms} ms an agent")
    print_machine()
    database = Database(make_engine(settings.database_url, "bench"))
    measured = asyncio.run(_rounds(Browsers(web_url), database, users, thoughts, rounds))
    print(f"thoughts a minute: {spread([each.a_minute for each in measured], '.0f')}")
    for share in SHARES:
        values = [percentile(each.delays, share) for each in measured]
        print(f"delay of a progress event, p{share * 100:.0f}: {spread(values, '.0f')} ms")
    print(f"events that did not arrive: {sum(each.missing for each in measured)}")
    print_machine()


async def _rounds(browsers: Browsers, database: Database, users: int, thoughts: int, rounds: int) -> list[Round]:
    people = [uuid4() for _ in range(users)]
    streams = [await browsers.open(user) for user in people]
    await _round(browsers, database, people, [QUICK])
    measured = []
    for number in range(1, rounds + 1):
        measured.append(await _round(browsers, database, people, [TEXT] * thoughts))
        print(f"round {number}: {_said(measured[-1])}", flush=True)
    for stream in streams:
        stream.cancel()
    return measured


def _said(measured: Round) -> str:
    shares = ", ".join(f"p{share * 100:.0f} {percentile(measured.delays, share):.0f} ms" for share in SHARES)
    return f"{measured.a_minute:.0f} thoughts a minute, {len(measured.delays)} events, {shares}"


async def _round(browsers: Browsers, database: Database, people: list[UUID], texts: Sequence[str]) -> Round:
    began = time()
    with ThreadPoolExecutor(1) as poster:
        ids = [
            thought
            for words in texts
            for thought in await asyncio.get_running_loop().run_in_executor(poster, browsers.post, people, words)
        ]
    facts = await _facts_when_all_are_there(database, ids)
    await asyncio.sleep(SETTLE_SECONDS)
    delays = [(browsers.arrived[fact] - at) * 1000 for fact, at in facts.items() if fact in browsers.arrived]
    return Round(60 * len(ids) / (max(facts.values()) - began), delays, len(facts) - len(delays))


async def _facts_when_all_are_there(database: Database, ids: list[str]) -> dict[Fact, float]:
    deadline = time() + LONGEST_SECONDS
    while time() < deadline:
        await asyncio.sleep(10 * LOOK_SECONDS)
        rows = await asyncio.to_thread(database.rows, FACTS, ids=ids)
        if len(rows) == len(ids) * (CATALOGUE.total + 1):
            return {(row.thought, row.step): row.at for row in rows}
    raise SystemExit(f"The measurement did not end within {LONGEST_SECONDS:g} s.")
