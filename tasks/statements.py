"""The worker's statements: CLAIM, RENEW, SAVE, RETRY, DEFER and FAIL.

Each is one round trip in autocommit mode and may be sent again after an error or a lost answer, because its guard makes
the repeat harmless. The guards are two fencing tokens:

- `dispatch_id` (:dispatch_id) invalidates the messages of a superseded dispatch.
- `call_id` (:call_id), new for every execution of a task body, admits one call at a time.
"""

from typing import Final

from sqlalchemy import text

PROFILE_AT_WRITING: Final = """(
    SELECT jsonb_build_object('version', version, 'profile', profile) FROM (
      SELECT version, profile FROM former_profiles f
       WHERE f.user_id = COALESCE(t.profile_of, t.user_id) AND f.replaced_at > t.created_at
       UNION ALL
      SELECT profile_version, profile FROM users WHERE users.id = COALESCE(t.profile_of, t.user_id)) known
    ORDER BY version LIMIT 1)"""
"""The profile that the author of `t` had when the thought was written: the oldest that was replaced later, or else the
present one. A thought that came from an anonymous user to an account keeps that user's profile (`profile_of`)."""

_STATUS_AFTER_CALL: Final = "CASE WHEN started_at IS NULL THEN 'pending' ELSE status END"
"""A call that ends in a turn in which no bridge has dispatched its thought leaves the thought pending: the thought came
to an account whose line was not empty (`webapp/accounts/joining.py`), and only the call in progress went on."""

_EVENT_OF_AUTHOR: Final = """
    CASE WHEN t.profile_of IS NULL THEN e.event
         ELSE convert_to(replace(convert_from(e.event, 'UTF8'), '"user_id":"' || t.profile_of || '"',
                                 '"user_id":"' || t.user_id || '"'), 'UTF8') END"""
"""A lifecycle event in the name of the thought's present user: a call that was in progress when its thought came to an
account reports in the name of the anonymous user. Systems that read the topic, and webhooks, know only the account."""

_PLAUSIBLE = "(t.beat_at <= clock_timestamp() + interval '1 s' AND t.not_before <= t.beat_at + interval '3600.01 s')"
"""The time of the next attempt can be believed. RETRY and DEFER write it together with `beat_at`, an hour apart at most
(`failures.MAX_RETRY_AFTER_SECONDS`). A `beat_at` in the future, or a longer wait, is from a clock that was wrong, or
from another hand; then the step does not wait. Decide has the same condition."""

_WAITS = f"COALESCE(t.not_before > clock_timestamp() AND {_PLAUSIBLE}, false)"
"""The time of the next attempt has not come yet."""

CLAIM: Final = text(f"""
    WITH c AS (
      UPDATE thoughts t
         SET call_id = :call_id, attempts = t.attempts + CASE WHEN t.call_id IS NULL THEN 1 ELSE 0 END,
             not_before = NULL, waiting = NULL,
             step_started_at = CASE WHEN t.call_id IS NULL THEN clock_timestamp() ELSE t.step_started_at END,
             beat = t.beat + 1, beat_at = clock_timestamp()
       WHERE t.id = :id AND t.status = 'processing' AND t.dispatch_id = :dispatch_id AND t.steps_done = :step - 1
         AND (t.call_id = :call_id OR (t.call_id IS NULL AND t.attempts < :max
                                    AND NOT {_WAITS}))
      RETURNING t.id, t.attempts)
    SELECT CASE WHEN c.id IS NOT NULL THEN 'run'
                WHEN t.status <> 'processing' OR t.dispatch_id <> :dispatch_id THEN 'stale'
                WHEN t.steps_done >= :step THEN 'saved'
                WHEN t.steps_done < :step - 1 THEN 'stale'
                WHEN t.call_id IS NOT NULL THEN 'busy'
                WHEN t.attempts >= :max THEN 'exhausted'
                WHEN {_WAITS} THEN 'early'
                ELSE 'again' END AS result,
           COALESCE(c.attempts, t.attempts) AS attempts, t.text, t.user_id, t.turn, t.created_at,
           CASE WHEN isfinite(t.not_before)
                THEN EXTRACT(epoch FROM t.not_before - clock_timestamp()) END::float8 AS wait,
           CASE WHEN isfinite(t.started_at)
                THEN EXTRACT(epoch FROM clock_timestamp() - t.started_at) END::float8 AS elapsed,
           CASE WHEN c.id IS NOT NULL
                THEN {PROFILE_AT_WRITING} END AS profile,
           CASE WHEN c.id IS NOT NULL
                THEN (SELECT jsonb_object_agg(agent, output) FROM agent_runs WHERE thought_id = t.id) END AS previous,
           t.fresh, (SELECT reused_from FROM agent_runs WHERE thought_id = t.id AND step = :step - 1) AS reused_from
      FROM thoughts t LEFT JOIN c ON c.id = t.id WHERE t.id = :id
""")  # noqa: S608  all parts are constants
"""Claims a step for one call, and reads what its agent needs. One row update that stays heap-only (HOT).

`attempts` is counted before the call, so the number of retries is bounded however often a worker dies. All columns but
`attempts` are returned as they were before the update. `reused_from` is the thought from which the result of the step
before was copied. Infinite times, which PostgreSQL before 17 cannot subtract, give no `wait` and no `elapsed`."""

RENEW: Final = text("""
    WITH mine AS (
      SELECT id, call_id FROM thoughts
       WHERE id = ANY(CAST(:ids AS uuid[])) AND call_id = ANY(CAST(:calls AS uuid[]))),
    free AS (
      SELECT t.id FROM thoughts t JOIN mine ON t.id = mine.id WHERE t.call_id = mine.call_id
         FOR NO KEY UPDATE OF t SKIP LOCKED),
    renewed AS (
      UPDATE thoughts t SET beat = t.beat + 1, beat_at = clock_timestamp() FROM free WHERE t.id = free.id
      RETURNING t.id)
    SELECT mine.call_id, renewed.id IS NOT NULL AS renewed FROM mine LEFT JOIN renewed ON renewed.id = mine.id
""")
"""Raises the beats of all calls of a worker process. A call that is missing from the result is fenced.

A row that another transaction has locked is skipped until the next renewal (`renewed` is false): waiting for it would
let the leases of all other calls expire."""

SAVE: Final = text(f"""
    WITH t AS (
      UPDATE thoughts
         SET steps_done = :step, call_id = NULL, attempts = 0, service_failures = 0, sends = 1, losses = 0,
             not_before = NULL, error = NULL,
             beat = beat + 1, beat_at = clock_timestamp(),
             status = CASE WHEN :last THEN 'completed' ELSE {_STATUS_AFTER_CALL} END,
             finished_at = CASE WHEN :last THEN clock_timestamp() END,
             processing_seconds = CASE WHEN :last THEN CAST(:seconds AS float8) END
       WHERE id = :id AND call_id = :call_id RETURNING id, user_id, profile_of, turn, headers, step_started_at),
    r AS (
      INSERT INTO agent_runs (thought_id, step, agent, version, provider, model, output, tokens_in, tokens_out,
                              cost_usd, dropped_claims, profile_version, reuse_key, reused_from, earlier_thoughts,
                              call_id, attempts, turn, started_at, finished_at)
      SELECT id, :step, :agent, :version, :provider, :model, CAST(:output AS jsonb), CAST(:tokens_in AS integer),
             CAST(:tokens_out AS integer), CAST(:cost_usd AS numeric), CAST(:dropped_claims AS smallint),
             CAST(:profile_version AS bigint), CAST(:reuse_key AS text), CAST(:reused_from AS uuid),
             CAST(:earlier_thoughts AS uuid[]), :call_id, :attempts, turn, step_started_at, clock_timestamp()
        FROM t),
    o AS (
      INSERT INTO outbox (topic, key, turn, value, headers)
      SELECT CAST(:topic AS text), user_id::text, turn, {_EVENT_OF_AUTHOR},
             CASE WHEN headers->'tracing' IS NOT NULL
                  THEN jsonb_build_object('original_headers', headers->'tracing') END
        FROM t CROSS JOIN unnest(CAST(:events AS bytea[])) AS e(event) WHERE :emit)
    SELECT CASE WHEN EXISTS (SELECT FROM t)
                  OR EXISTS (SELECT FROM agent_runs WHERE thought_id = :id AND step = :step AND call_id = :call_id)
                THEN 'saved' ELSE 'fenced' END AS result
""")  # noqa: S608  all parts are constants
"""Saves a step's result, completes the thought with the last step, and writes the events for Kafka to the outbox.

The events carry the tracing headers of an external producer's thought. The guard is `call_id`; a repeat after a lost
answer finds its own row in `agent_runs` and returns `saved` again. contracts/outbox.py lists the outbox rows of this
statement and of FAIL."""

RETRY: Final = text(f"""
    UPDATE thoughts
       SET call_id = NULL, status = {_STATUS_AFTER_CALL}, sends = 1, service_failures = service_failures + :service,
           not_before = clock_timestamp() + make_interval(secs => :backoff),
           error = CAST(:error AS jsonb), beat = beat + 1, beat_at = clock_timestamp()
     WHERE id = :id AND call_id = :call_id RETURNING turn
""")  # noqa: S608  all parts are constants
"""Schedules the next attempt after a transient failure. The guard is `call_id`.

No row means that the call is fenced, or that this is a repeat after a lost answer. The message is then dropped;
after a lost answer a bridge sends the step again when its lease expires."""

DEFER: Final = text(f"""
    WITH d AS (
      UPDATE thoughts t
         SET call_id = NULL, status = {_STATUS_AFTER_CALL}, sends = 1,
             attempts = t.attempts - CASE WHEN t.call_id IS NULL THEN 0 ELSE 1 END
                        - CASE WHEN :outage THEN t.service_failures ELSE 0 END,
             service_failures = CASE WHEN :outage THEN 0 ELSE t.service_failures END,
             not_before = GREATEST(CASE WHEN {_PLAUSIBLE} THEN t.not_before END,
                                   clock_timestamp() + make_interval(secs => :wait)),
             waiting = CAST(:waiting AS jsonb), beat = t.beat + 1, beat_at = clock_timestamp()
       WHERE t.id = :id AND t.status = 'processing' AND t.dispatch_id = :dispatch_id AND t.steps_done = :step - 1
         AND (t.call_id = CAST(:call_id AS uuid)
              OR (CAST(:call_id AS uuid) IS NULL AND t.call_id IS NULL
                  AND t.attempts - CASE WHEN :outage THEN t.service_failures ELSE 0 END < :max))
      RETURNING t.id)
    SELECT CASE WHEN d.id IS NOT NULL THEN 'deferred'
                WHEN CAST(:call_id AS uuid) IS NOT NULL THEN 'fenced'
                WHEN t.status <> 'processing' OR t.dispatch_id <> :dispatch_id THEN 'stale'
                WHEN t.steps_done >= :step THEN 'saved'
                WHEN t.steps_done < :step - 1 THEN 'stale'
                WHEN t.call_id IS NOT NULL THEN 'busy'
                WHEN t.attempts >= :max THEN 'exhausted'
                ELSE 'again' END AS result,
           t.attempts, t.user_id, t.turn
      FROM thoughts t LEFT JOIN d ON d.id = t.id WHERE t.id = :id
""")  # noqa: S608  all parts are constants
"""Lets a step wait for the model service, without counting an attempt. `waiting` says why.

With :call_id it ends that call, whose failure was the service's, and gives back its attempt; the guard is `call_id`.
In an outage (:outage) it also gives back the earlier attempts that the service failed before it counted as unavailable.
Without :call_id no call is in progress, and the guards are `dispatch_id` and the step; repeating it only waits again.
A repeat with :call_id after a lost answer returns `fenced`: the message is dropped, and a bridge sends the step again
when its lease has expired, as after RETRY."""

COUNT_IN_PROGRESS: Final = text("""
    SELECT count(*) AS number FROM thoughts WHERE finished_at IS NULL AND status = 'processing'
""")
"""How many thoughts are in progress, and so wait when the model service is unavailable."""

FAIL: Final = text(f"""
    WITH t AS (
      UPDATE thoughts
         SET status = 'failed', finished_at = clock_timestamp(), call_id = NULL, not_before = NULL,
             error = CAST(:error AS jsonb), beat = beat + 1, beat_at = clock_timestamp()
       WHERE id = :id AND status = 'processing' AND dispatch_id = :dispatch_id AND steps_done = :step - 1
         AND (call_id = CAST(:call_id AS uuid)
              OR (CAST(:call_id AS uuid) IS NULL AND call_id IS NULL AND attempts >= :max))
      RETURNING id, user_id, profile_of, turn, event, origin, headers),
    d AS (
      INSERT INTO dead_letters (failure_id, thought_id, turn, reason, value, headers)
      SELECT id || ':' || turn, id, turn, :reason, event,
             CAST(:headers AS jsonb) || jsonb_build_object('origin', origin) || COALESCE(headers - 'tracing', '{{}}')
        FROM t
          ON CONFLICT (failure_id) DO UPDATE SET state = 'open', reason = EXCLUDED.reason, value = EXCLUDED.value,
             headers = EXCLUDED.headers, resolved_at = NULL, replayed_turn = NULL
      RETURNING failure_id, value, headers),
    o1 AS (
      INSERT INTO outbox (topic, key, failure_id, value, headers)
      SELECT CAST(:dead_letter_topic AS text), t.user_id::text, d.failure_id, d.value, d.headers FROM d, t),
    o2 AS (
      INSERT INTO outbox (topic, key, turn, value, headers)
      SELECT CAST(:topic AS text), t.user_id::text, t.turn, {_EVENT_OF_AUTHOR},
             CASE WHEN t.headers->'tracing' IS NOT NULL
                  THEN jsonb_build_object('original_headers', t.headers->'tracing') END
        FROM t CROSS JOIN (SELECT CAST(:event AS bytea)) AS e(event) WHERE :emit)
    SELECT turn FROM t
     UNION ALL
    SELECT turn FROM thoughts
     WHERE id = :id AND turn = :turn AND status = 'failed' AND error = CAST(:error AS jsonb)
       AND NOT EXISTS (SELECT FROM t)
""")  # noqa: S608  all parts are constants
"""Fails the thought: writes its state, its dead letter and both outbox rows together, or nothing.

:call_id is NULL after the claim result `exhausted`. A dead letter of this turn exists only where the table was rebuilt
from the topic after PostgreSQL was restored from a backup older than the failure; it is then updated and opened again.

The dead letter goes to the outbox even where Kafka is disabled (:emit is false), so that every failure reaches the
topic once Kafka is enabled.

The second SELECT answers a repeat after a lost answer: the thought has failed in this turn with this same error."""
