"""The validation's reads from PostgreSQL."""

from typing import Final

from sqlalchemy import text

THOUGHT: Final = text("""
    SELECT status, turn, steps_done, error, waiting, processing_seconds::float8 AS processing_seconds,
           started_at IS NOT NULL AS is_dispatched,
           EXTRACT(epoch FROM started_at - created_at)::float8 AS seconds_to_dispatch
      FROM thoughts WHERE id = :id
""")
"""The state of one thought; no row when it does not exist."""

RESULTS: Final = text("""
    SELECT step, agent, provider, model, output FROM agent_runs WHERE thought_id = :id ORDER BY step
""")
"""The saved results of one thought, in the order of their steps."""

DEAD_LETTER: Final = text("""
    SELECT failure_id, reason, state, kafka_partition, kafka_offset FROM dead_letters
     WHERE thought_id = :id AND turn = :turn
""")
"""The dead letter of a thought that failed in this turn. The relay writes its position in Kafka."""

OUTBOX_BACKLOG: Final = text("SELECT count(*) AS rows, count(parked_at) AS parked FROM outbox")
"""How many rows wait for the relay, and how many of them Kafka has refused."""
