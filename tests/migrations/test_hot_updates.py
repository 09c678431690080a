"""The protocol's frequent updates stay within their page and touch no index (heap-only tuples).

A thought is updated some thirty times and a beat every five seconds; with an index entry each time, the table would
grow faster than vacuum cleans it. An index on a column that these statements write ends that without a word.
"""

from uuid import uuid4

from sqlalchemy import text

from contracts.database import Database
from contracts.settings import Settings
from tasks.step_store import StepStore
from tests.eventually import eventually
from tests.tasks.agent_results import a_result
from tests.tasks.thoughts import accepted, step_of, taken

COUNTS = text("""
    SELECT n_tup_upd AS updates, n_tup_hot_upd AS hot
      FROM pg_stat_user_tables WHERE relname = :table
""")


def updates(database: Database, table: str, at_least: int) -> tuple[int, int]:
    """All updates of a table so far, and how many of them were heap-only, once the statistics have been told."""

    def told() -> list[tuple[int, int]]:
        database.rows(text("SELECT pg_stat_force_next_flush()"))
        return [(row.updates, row.hot) for row in database.rows(COUNTS, table=table) if row.updates >= at_least]

    return eventually(told)[0]


def test_take_claim_beat_retry_and_save_stay_on_their_page(database: Database, settings: Settings) -> None:
    step_store = StepStore(database, settings)
    head = taken(database, accepted(database, settings))
    step, first, second = step_of(head), uuid4(), uuid4()
    step_store.claim(step, first)
    step_store.renew({first: step.thought_id})
    step_store.retry(step, first, backoff=0.0, error={"agent": step.agent, "kind": "transient"})
    step_store.claim(step, second)
    assert step_store.save(step, second, 2, a_result(), seconds=0.1, events=[b"{}"])
    assert updates(database, "thoughts", at_least=6) == (6, 6)


def test_giving_a_turn_stays_on_the_users_page(database: Database, settings: Settings) -> None:
    user = accepted(database, settings).user_id
    accepted(database, settings, user_id=user)
    assert updates(database, "users", at_least=2) == (2, 2)
