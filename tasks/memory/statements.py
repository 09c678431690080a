"""The reads of the memory. They change nothing and lock nothing, and no step depends on their answers.

The one write is `contracts.thought_vectors.STORE_VECTOR`. Every statement is limited to the thoughts of one user.
"""

from typing import Final

from sqlalchemy import text

from tasks.statements import PROFILE_AT_WRITING

SIMILAR: Final = text("""
    SELECT mine.thought_id IS NOT NULL AS is_embedded,
           s.id, s.text, s.created_at, s.level, s.recommendation, s.similarity
      FROM thoughts t
      LEFT JOIN thought_vectors mine ON mine.thought_id = t.id AND mine.model = :model AND mine.user_id = t.user_id
      LEFT JOIN LATERAL (
        SELECT e.id, e.text, e.created_at, o.output->>'priority_level' AS level,
               o.output->>'final_recommendation' AS recommendation, 1 - (v.embedding <=> mine.embedding) AS similarity
          FROM thought_vectors v
          JOIN thoughts e ON e.id = v.thought_id AND e.user_id = t.user_id AND e.status = 'completed'
                         AND (e.created_at, e.id) < (t.created_at, t.id)
          LEFT JOIN agent_runs o ON o.thought_id = e.id AND o.agent = :concluding_agent
         WHERE v.user_id = t.user_id AND v.model = :model
           AND v.embedding <=> mine.embedding <= 1 - CAST(:similarity AS float8)
         ORDER BY v.embedding <=> mine.embedding, e.id LIMIT :limit) s ON true
     WHERE t.id = :id AND t.user_id = :user
     ORDER BY s.similarity DESC, s.id
""")
"""The completed thoughts of the same user, written before this one, that are most similar to it, and their outcomes.

It scans the vectors of one user, which is exact and takes 1 ms for 1,000 of them. `is_embedded` says whether this
thought has a vector of :model yet. One row without a similar thought when there is none."""

TO_REUSE: Final = text(f"""
    SELECT t.user_id, t.text, t.created_at, t.fresh, {PROFILE_AT_WRITING} AS profile,
           (SELECT reused_from FROM agent_runs WHERE thought_id = t.id AND step = :step - 1) AS reused_from
      FROM thoughts t
     WHERE t.id = :id AND t.status = 'processing' AND t.dispatch_id = :dispatch_id AND t.steps_done = :step - 1
""")  # noqa: S608  all parts are constants
"""What the reuse key of a step depends on, read without a claim; no row unless the step is the next one."""

_READ_NO_DELETED_THOUGHT: Final = """
    NOT EXISTS (SELECT FROM agent_runs a CROSS JOIN unnest(a.earlier_thoughts) AS was_read (id)
                  JOIN thoughts x ON x.id = was_read.id
                 WHERE a.thought_id = t.id AND x.status = 'deleted')
"""
"""Results may quote the earlier thoughts that their agents read, so they are not used again once one is deleted."""

SOURCE: Final = text(f"""
    SELECT t.id FROM agent_runs r JOIN thoughts t ON t.id = r.thought_id
     WHERE r.reuse_key = :key AND r.step = 1 AND t.user_id = :user AND t.status = 'completed' AND t.id <> :id
       AND (SELECT count(*) FROM agent_runs a WHERE a.thought_id = t.id AND a.reuse_key = :key) = :steps
       AND {_READ_NO_DELETED_THOUGHT}
     ORDER BY r.reused_from IS NOT NULL, t.finished_at DESC LIMIT 1
""")  # noqa: S608  all parts are constants
"""The completed thought of the same user whose results, all of the same key, can be copied: one that was analysed
itself before one that was copied, the latest first."""

SAVED_RUN: Final = text(f"""
    SELECT r.output, r.provider, r.model, r.version, r.dropped_claims, r.earlier_thoughts
      FROM agent_runs r JOIN thoughts t ON t.id = r.thought_id
     WHERE r.thought_id = :source AND r.step = :step AND r.agent = :agent AND r.reuse_key = :key
       AND t.user_id = :user AND t.status = 'completed' AND {_READ_NO_DELETED_THOUGHT}
""")  # noqa: S608  all parts are constants
"""The saved result of one step of the source; no row once the source is deleted, or when its key is another one."""
