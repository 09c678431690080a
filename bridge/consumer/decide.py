"""Decide: the statement that judges records and dispatches the heads of lines, for many users at once.

For each user of a batch it

1. gives a verdict on each record (`protocol.VerdictKind`). A record is done when its thought is terminal, or when the
   thought has failed in the record's turn and was replayed since, which its dead letter of that turn proves. A turn
   that the thought never had proves nothing, because any producer may write the header: such a record stays open until
   the thought is terminal. A record of an anonymous user whose thought belongs to the account that this user has
   joined is done too, because the join wrote another record, for the account's line;
2. if a record is open, finds the head of the line: the user's unfinished thought with the smallest turn, which need not
   be the thought of a record;
3. dispatches the head in two cases: the head is pending and the lane allows it to begin (`DecideRequest.may_begin`); or
   its lease has expired, so it is taken over. A takeover is a compare-and-set: the head must still have the version
   that the lane watched. If the head's own record is in the batch, the row stores where it stood in Kafka (`origin`).
   Any other head is left as it is;
4. returns the verdicts and the head as it stands afterwards.
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
                           CAST(:seen_beats AS bigint[]), CAST(:may_begin AS boolean[]))
               AS a(user_id, seen_thought, seen_dispatch, seen_beat, may_begin)),
    rec AS MATERIALIZED (
      SELECT r.*, CASE WHEN t.id IS NULL THEN 'unknown' WHEN t.user_id <> r.user_id
                       THEN CASE WHEN EXISTS (SELECT FROM users WHERE id = r.user_id AND account_id = t.user_id)
                                 THEN 'done' ELSE 'contradicts' END
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
             t.headers->'tracing' AS tracing, t.call_id IS NOT NULL AS in_call, t.status = 'pending' AS pending,
             CASE WHEN t.beat_at <= clock_timestamp() + interval '1 s'
                       AND t.not_before <= t.beat_at + interval '3600.01 s'
                  THEN GREATEST(0, EXTRACT(epoch FROM t.not_before - clock_timestamp())) ELSE 0 END::float8 AS wait,
             (t.status = 'pending' OR t.call_id IS NOT NULL)::int AS new_token,
             (SELECT rec.origin FROM rec WHERE rec.thought_id = t.id AND rec.turn = t.turn LIMIT 1) AS origin,
             CASE WHEN t.status = 'pending' THEN l.may_begin
                  ELSE COALESCE(l.seen_thought = t.id AND l.seen_dispatch = t.dispatch_id AND l.seen_beat = t.beat,
                                false) END AS take
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
           head.wait, COALESCE(head.take, false) AS needs_dispatch, head.pending AND head.take AS begins,
           head.pending AND NOT head.take AS pending, head.tracing
      FROM rec LEFT JOIN head ON head.user_id = rec.user_id
""")
"""Two traps:

- The head is chosen without a lock and locked afterwards. Choosing and locking in one step with SKIP LOCKED would
  return the *second* of the line while the first is locked.
- An open record without a head means that another transaction has the head locked, or has just finished or replayed it.
  It does not mean that the line is empty: poll again.

A takeover gets a new token only if the head is in a call: its worker is presumed dead, and the new token fences it off.
A head that is not in a call is sent again under the same token, because the old message may still wait in a long queue
and a new token would invalidate it."""


def decide(database: Database, requests: Sequence[DecideRequest]) -> list[Decision]:
    """Answer many requests in one statement.

    Raises SQLAlchemyError when PostgreSQL is unavailable or its answer is lost. The same requests can be sent again: a
    dispatched head is not pending any more and has another version, so a repeat dispatches nothing twice. A head that
    was dispatched in a lost answer is sent when its lease expires.
    """
    records = [record for request in requests for record in request.records]
    versions = [request.expired_version for request in requests]
    rows = database.rows(
        DECIDE,
        users=[request.user_id for request in requests],
        seen_thoughts=[version.thought_id if version else None for version in versions],
        seen_dispatches=[version.dispatch_id if version else None for version in versions],
        seen_beats=[version.beat if version else None for version in versions],
        may_begin=[request.may_begin for request in requests],
        rec_users=[record.user_id for record in records],
        rec_thoughts=[record.thought_id for record in records],
        rec_turns=[record.turn for record in records],
        rec_offsets=[record.offset for record in records],
        rec_origins=[json.dumps(record.origin) if record.origin else None for record in records],
    )
    return _decisions(rows)


def _decisions(rows: Sequence[Row]) -> list[Decision]:
    """Group the rows, one per record, by user; every row of a user repeats the same head."""
    rows_by_user: dict[UUID, list[Row]] = defaultdict(list)
    for row in rows:
        rows_by_user[row.user_id].append(row)
    return [
        Decision(user_id, tuple(RecordVerdict(row.n, row.verdict) for row in user_rows), _head(user_rows[0]))
        for user_id, user_rows in rows_by_user.items()
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
        needs_dispatch=row.needs_dispatch,
        begins=row.begins,
        pending=row.pending,
        tracing=row.tracing,
    )
