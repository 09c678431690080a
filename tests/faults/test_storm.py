"""Many kills while people write: the promise as a whole."""

import random
import threading
from collections import Counter
from functools import partial
from http.client import HTTPException
from itertools import pairwise
from urllib.error import HTTPError, URLError

import psycopg2

from tests.eventually import eventually
from tests.running import Stack, somebody

PEOPLE = 6
THOUGHTS_EACH = 8
VICTIMS = ["bridge.1", "worker.1", "relay.1", "web.1", "bridge.2", "redis.1", "worker.2", "relay.2", "postgres.1"]


def write(stack: Stack, person: str, accepted: list[str], refusals: list[int]) -> None:
    """One person writes, and says the same again with the same key until it is accepted, as a good client does."""
    for number in range(THOUGHTS_EACH):
        key = f"{person}-{number}"

        def post(key: str = key, number: int = number) -> str:
            try:
                return str(stack.post(f"In the storm {number}", person, **{"Idempotency-Key": key})["id"])
            except HTTPError as refused:
                with refused:
                    refusals.append(refused.code)
                    return ""
            except (URLError, HTTPException, OSError):
                return ""

        accepted.append(eventually(post, timeout=60))


def is_ready(stack: Stack, name: str) -> bool:
    return bool(stack.process(name)["ready"])


def saved_steps(stack: Stack, thoughts: list[str]) -> "Counter[str]":
    """How many results PostgreSQL keeps of each thought."""
    connection = psycopg2.connect(stack.status_then["database_url"])
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT thought_id::text FROM agent_runs WHERE thought_id::text = ANY (%s)", (thoughts,))
            return Counter(row[0] for row in cursor.fetchall())
    finally:
        connection.close()


def test_nothing_is_lost_reordered_or_saved_twice_in_a_storm_of_kills(stack: Stack) -> None:
    accepted: dict[str, list[str]] = {somebody(): [] for _ in range(PEOPLE)}
    refusals: list[int] = []
    writers = [threading.Thread(target=write, args=(stack, *item, refusals)) for item in accepted.items()]
    for writer in writers:
        writer.start()
    worker_deaths = 0
    for victim in random.Random(7).sample(VICTIMS, len(VICTIMS)):
        stack.kill(victim)
        worker_deaths += victim.startswith("worker")
        eventually(partial(is_ready, stack, victim), timeout=60)
    for writer in writers:
        writer.join()

    assert set(refusals) <= {503}
    everything = [thought for thoughts in accepted.values() for thought in thoughts]
    assert len(set(everything)) == PEOPLE * THOUGHTS_EACH
    assert [stack.ended(thought, timeout=120)["status"] for thought in everything] == ["completed"] * len(everything)
    assert set(saved_steps(stack, everything).values()) == {5}
    paid_again = sum(stack.starts(thought).total() - 5 for thought in everything)
    assert paid_again <= worker_deaths * PEOPLE  # a person has one thought in flight, a thought one call
    for thoughts in accepted.values():
        spans = stack.spans(thoughts)
        assert all(spans[earlier][1] <= spans[later][0] for earlier, later in pairwise(thoughts))
