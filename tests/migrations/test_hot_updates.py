"""The protocol's frequent updates are heap-only: they stay within the row's page and write no index entry.

A thought is updated some thirty times, and its heartbeat every five seconds. With an index entry for each update the
table would grow faster than vacuum can clean it. An index on a column that these statements write would silently make
that happen.
"""

from uuid import uuid4

from sqlalchemy import text

from contracts.database import Database
from contracts.settings import Settings
from tasks.step_store import StepStore
from tests.eventually import eventually
from tests.tasks.agent_results import make_result
from tests.tasks.thoughts import accept_thought, dispatch_head, step_of

COUNTS = text("""
    SELECT n_tup_upd AS updates, n_tup_hot_upd AS hot
      FROM pg_stat_user_tables WHERE relname = :table
""")


def updates(database: Database, table: str, at_least: int) -> tuple[int, int]:
    """Return the number of updates of a table and how many of them were heap-only, once the statistics show them."""

    def flushed_counts() -> list[tuple[int, int]]:
        database.rows(text("SELECT pg_stat_force_next_flush()"))
        return [(row.updates, row.hot) for row in database.rows(COUNTS, table=table) if row.updates >= at_least]

    return eventually(flushed_counts)[0]


def test_dispatch_claim_renew_retry_and_save_are_heap_only_updates(database: Database, settings: Settings) -> None:
    step_store = StepStore(database, settings)
    head = dispatch_head(database, accept_thought(database, settings))
    step, first_call, second_call = step_of(head), uuid4(), uuid4()
    step_store.claim(step, first_call)
    step_store.renew({first_call: step.thought_id})
    step_store.schedule_retry(step, first_call, backoff=0.0, error={"agent": step.agent, "kind": "transient"})
    step_store.claim(step, second_call)
    assert step_store.save(step, second_call, 2, make_result(), seconds=0.1, events=[b"{}"])
    assert updates(database, "thoughts", at_least=6) == (6, 6)


def test_assigning_a_turn_is_a_heap_only_update_of_the_user(database: Database, settings: Settings) -> None:
    user = accept_thought(database, settings).user_id
    accept_thought(database, settings, user_id=user)
    assert updates(database, "users", at_least=2) == (2, 2)
