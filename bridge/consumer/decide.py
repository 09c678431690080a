"""Decide: what PostgreSQL says of records, and which thought of each user is taken from the head of the line.

One statement for a batch of users. A record is done when its thought is terminal, or has failed in the record's turn
and has another one since. Any producer may write a turn that the thought never had: it tells nothing. For every other
user the head of the line is looked at, whichever record rang; a pending head is taken, and so is one that the lane has
watched being silent: it is taken over only if token and beat are still those that were watched.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text

from bridge.consumer.protocol import DecideRequest, Decision, Head, RecordVerdict
from contracts.database import Database, Row

DECIDE: Final = text("""
    WITH ask AS MATERIALIZED (
      SELECT * FROM unnest(CAST(:users AS uuid[]), CAST(:seen_thoughts AS uuid[]), CAST(:seen_dispatches AS bigint[]),
                           CAST(:seen_beats AS bigint[]))
               AS a(user_id, seen_thought, seen_dispatch, seen_beat)),
    rec AS MATERIALIZED (
      SELECT r.*, CASE WHEN t.id IS NULL THEN 'unknown' WHEN t.user_id <> r.user_id THEN 'contradicts'
                       WHEN t.finished_at IS NOT NULL THEN 'done'
                       WHEN t.turn <> r.turn AND EXISTS (SELECT FROM dead_letters
                                                          WHERE failure_id = t.id || ':' || r.turn) THEN 'done'
                       ELSE 'open' END AS verdict
        FROM unnest(CAST(:rec_users AS uuid[]), CAST(:rec_thoughts AS uuid[]), CAST(:rec_turns AS bigint[]),
                    CAST(:rec_offsets AS bigint[]), CAST(:rec_origins AS jsonb[]))
             AS r(user_id, thought_id, turn, n, origin) LEFT JOIN thoughts t ON t.id = r.thought_id),
    line AS MATERIALIZED (
      SELECT a.*, h.id, h.turn FROM ask a CROSS JOIN LATERAL (
             SELECT id, turn FROM thoughts WHERE user_id = a.user_id AND finished_at IS NULL ORDER BY turn LIMIT 1) h
       WHERE EXISTS (SELECT FROM rec WHERE rec.user_id = a.user_id AND rec.verdict = 'open')),
    head AS MATERIALIZED (
      SELECT t.id, t.user_id, t.turn, t.steps_done, t.dispatch_id, t.beat, t.sends, t.losses,
             t.headers->'tracing' AS tracing, t.call_id IS NOT NULL AS in_call, t.status = 'pending' AS begins,
             GREATEST(0, EXTRACT(epoch FROM t.not_before - clock_timestamp()))::float8 AS wait,
             (t.status = 'pending' OR t.call_id IS NOT NULL)::int AS new_token,
             (SELECT rec.origin FROM rec WHERE rec.thought_id = t.id AND rec.turn = t.turn LIMIT 1) AS origin,
             t.status = 'pending' OR COALESCE(l.seen_thought = t.id AND l.seen_dispatch = t.dispatch_id
                                              AND l.seen_beat = t.beat, false) AS take
        FROM line l JOIN thoughts t ON t.id = l.id AND t.turn = l.turn
       WHERE t.finished_at IS NULL FOR UPDATE OF t SKIP LOCKED),
    took AS (
      UPDATE thoughts t
         SET status = 'processing', call_id = NULL, beat = t.beat + 1, beat_at = clock_timestamp(),
             started_at = COALESCE(t.started_at, clock_timestamp()),
             dispatch_id = t.dispatch_id + head.new_token,
             sends = CASE WHEN head.new_token = 1 THEN 1 ELSE t.sends + 1 END,
             losses = t.losses + head.in_call::int, origin = COALESCE(head.origin, t.origin)
        FROM head WHERE t.id = head.id AND head.take)
    SELECT rec.n, rec.verdict, rec.user_id, head.id AS head, head.turn, head.steps_done,
           head.dispatch_id + CASE WHEN head.take THEN head.new_token ELSE 0 END AS dispatch_id,
           head.beat + head.take::int AS beat,
           CASE WHEN NOT head.take THEN head.sends WHEN head.new_token = 1 THEN 1 ELSE head.sends + 1 END AS sends,
           head.in_call AND NOT head.take AS in_call, head.losses + (head.take AND head.in_call)::int AS losses,
           head.wait, COALESCE(head.take, false) AS dispatched, head.begins AND head.take AS begins, head.tracing
      FROM rec LEFT JOIN head ON head.user_id = rec.user_id
""")
"""Two traps. The head is chosen without a lock and locked afterwards: choosing and locking in one step with SKIP LOCKED
would hand out the *second* in line while the first is locked. And no head means that somebody has it locked: ask again.

A silent head in a call gets a new token, its worker is presumed dead. A silent head not in a call is sent again with
the same token: the old message may still wait in a long queue, and a new token would make it void."""


def decide(database: Database, requests: Sequence[DecideRequest]) -> list[Decision]:
    """Ask about many users in one statement. Raises SQLAlchemyError; nothing is lost by asking again."""
    records = [record for ask in requests for record in ask.records]
    rows = database.rows(
        DECIDE,
        users=[ask.user_id for ask in requests],
        seen_thoughts=[ask.expired_version.thought_id if ask.expired_version else None for ask in requests],
        seen_dispatches=[ask.expired_version.dispatch_id if ask.expired_version else None for ask in requests],
        seen_beats=[ask.expired_version.beat if ask.expired_version else None for ask in requests],
        rec_users=[record.user_id for record in records],
        rec_thoughts=[record.thought_id for record in records],
        rec_turns=[record.turn for record in records],
        rec_offsets=[record.offset for record in records],
        rec_origins=[json.dumps(record.origin) if record.origin else None for record in records],
    )
    return _by_user(rows)


def _by_user(rows: Sequence[Row]) -> list[Decision]:
    grouped: dict[UUID, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row.user_id].append(row)
    return [
        Decision(user, tuple(RecordVerdict(row.n, row.verdict) for row in found), _head(found[0]))
        for user, found in grouped.items()
    ]


def _head(row: Row) -> Head | None:
    if row.head is None:
        return None
    return Head(
        thought_id=row.head,
        user_id=row.user_id,
        turn=row.turn,
        steps_done=row.steps_done,
        dispatch_id=row.dispatch_id,
        beat=row.beat,
        sends=row.sends,
        losses=row.losses,
        in_call=row.in_call,
        wait=row.wait,
        dispatched=row.dispatched,
        begins=row.begins,
        tracing=row.tracing,
    )
