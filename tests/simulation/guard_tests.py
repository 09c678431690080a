"""Guards that no history needs, because they only save time or work, or because another guard covers their absence.

Each has a test beneath tests/ that fails without it. `test_guard_tests.py` runs these tests after it has cut the guard
out of its statement, or replaced the method that `guard_switches.py` names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class GuardTest:
    """The test of a guard.

    `cuts` removes the guard from the SQL of `statement`: parts of the text, on one line, and their replacements. A
    guard in Python code has no statement; `guard_switches.py` replaces its method.
    """

    file: str
    function: str
    statement: str = ""
    cuts: tuple[tuple[str, str], ...] = ()


def _cut(module: str, name: str, *cuts: tuple[str, str]) -> tuple[str, tuple[tuple[str, str], ...]]:
    return f"{module}.{name}", cuts


_ACCEPT: Final = "contracts/test_accept.py"
_BATCHES: Final = "bridge/consumer/test_batch_source.py"
_CANCELLATION: Final = "tasks/test_cancellation.py"
_DECIDE: Final = "bridge/consumer/test_decide.py"
_TAKEOVER: Final = "bridge/consumer/test_decide_takeover.py"
_DELETION: Final = "webapp/test_deletion.py"
_EARLIER: Final = "tasks/memory/test_earlier_thoughts.py"
_FAIL: Final = "tasks/test_fail.py"
_GATE: Final = "tasks/admission/test_gate.py"
_OUTAGE: Final = "tasks/test_service_outage.py"
_STEP_STORE: Final = "tasks/test_step_store.py"
_REPUBLISH: Final = "bridge/dead_letters/test_republish.py"
_REPLAY: Final = "bridge/dead_letters/test_replay.py"
_REUSE: Final = "tasks/memory/test_reuse.py"
_SWEEP: Final = "bridge/relay/test_sweep.py"

_JOIN: Final = "webapp/accounts/test_joining.py"
_FREE: Final = "AND users.account_id IS NULL"
_JOIN_AT_ONCE: Final = "webapp/accounts/test_joining_at_once.py"

_REPLAYED: Final = "test_a_replayed_thought_is_pending_again_at_the_end_of_its_line"

GUARD_TESTS: Final[Mapping[str, GuardTest]] = {
    "accept.owner": GuardTest(
        _ACCEPT, "test_accept_detects_an_id_of_another_users_thought",
        *_cut("contracts.accept", "ACCEPT", ("ELSE user_id END FROM old", "ELSE CAST(NULL AS uuid) END FROM old")),
    ),
    "accept.again": GuardTest(
        _JOIN_AT_ONCE, "test_a_thought_that_waits_for_the_join_is_accepted_for_the_account",
        *_cut("contracts.accept", "ACCEPT", ("AND users.account_id IS NULL AND users.d", "AND users.d")),
    ),
    "decide.turn": GuardTest(
        _DECIDE, "test_each_record_gets_its_verdict",
        *_cut("bridge.consumer.decide", "DECIDE", (
            "WHEN t.turn <> r.turn AND EXISTS (SELECT FROM dead_letters "
            "WHERE failure_id = t.id || ':' || r.turn) THEN 'done'", "")),
    ),
    "decide.joined": GuardTest(
        _JOIN, "test_a_record_of_the_former_line_is_done_and_one_of_a_stranger_contradicts",
        *_cut("bridge.consumer.decide", "DECIDE", ("THEN 'done' ELSE 'contradicts' END", "THEN 'open' END")),
    ),
    "decide.recheck": GuardTest(
        _DECIDE, "test_a_head_that_finished_or_was_replayed_before_it_was_locked_is_not_returned",
        *_cut("bridge.consumer.decide", "DECIDE",
              ("AND t.turn = l.turn", ""), ("WHERE t.finished_at IS NULL FOR", "FOR")),
    ),
    "decide.dispatch": GuardTest(
        _TAKEOVER, "test_a_head_with_another_version_than_the_expired_one_is_not_taken_over",
        *_cut("bridge.consumer.decide", "DECIDE", ("AND l.seen_dispatch = t.dispatch_id", "")),
    ),
    "save.sends": GuardTest(
        _STEP_STORE, "test_save_frees_the_call_and_writes_the_events_to_the_outbox",
        *_cut("tasks.statements", "SAVE", ("sends = 1,", "")),
    ),
    "save.repeat": GuardTest(
        _STEP_STORE, "test_a_repeated_save_writes_the_step_once",
        *_cut("tasks.statements", "SAVE", (
            "OR EXISTS (SELECT FROM agent_runs WHERE thought_id = :id AND step = :step AND call_id = :call_id)", "")),
    ),
    "defer.attempt": GuardTest(
        _OUTAGE, "test_a_waiting_step_says_why_holds_no_call_and_counts_no_attempt",
        *_cut("tasks.statements", "DEFER", ("- CASE WHEN t.call_id IS NULL THEN 0 ELSE 1 END", "")),
    ),
    "defer.call": GuardTest(
        _OUTAGE, "test_only_the_call_in_progress_can_give_back_its_attempt",
        *_cut("tasks.statements", "DEFER", (
            "(t.call_id = CAST(:call_id AS uuid) OR", "(CAST(:call_id AS uuid) IS NOT NULL OR")),
    ),
    "defer.token": GuardTest(
        _OUTAGE, "test_a_message_of_a_superseded_dispatch_defers_nothing",
        *_cut("tasks.statements", "DEFER", ("AND t.dispatch_id = :dispatch_id AND t.steps_done", "AND t.steps_done")),
    ),
    "defer.step": GuardTest(
        _OUTAGE, "test_a_message_of_a_saved_step_defers_nothing",
        *_cut("tasks.statements", "DEFER", ("AND t.steps_done = :step - 1", "")),
    ),
    "defer.max": GuardTest(
        _OUTAGE, "test_a_step_whose_workers_all_died_fails_even_while_the_service_is_unavailable",
        *_cut("tasks.statements", "DEFER", (
            "AND t.attempts - CASE WHEN :outage THEN t.service_failures ELSE 0 END < :max", "")),
    ),
    "fail.status": GuardTest(
        _FAIL, "test_an_exhausted_thought_fails_only_once",
        *_cut("tasks.statements", "FAIL", ("AND status = 'processing' AND dispatch_id", "AND dispatch_id")),
    ),
    "fail.call": GuardTest(
        _FAIL, "test_an_earlier_call_of_the_same_dispatch_cannot_fail_the_thought",
        *_cut("tasks.statements", "FAIL", (
            "(call_id = CAST(:call_id AS uuid) OR", "(CAST(:call_id AS uuid) IS NOT NULL OR")),
    ),
    "fail.token": GuardTest(
        _FAIL, "test_another_token_or_step_cannot_fail_the_thought",
        *_cut("tasks.statements", "FAIL", ("AND dispatch_id = :dispatch_id", "")),
    ),
    "fail.step": GuardTest(
        _FAIL, "test_another_token_or_step_cannot_fail_the_thought",
        *_cut("tasks.statements", "FAIL", ("AND steps_done = :step - 1", "")),
    ),
    "fail.free": GuardTest(
        _FAIL, "test_fail_without_a_call_leaves_a_thought_in_a_call_unchanged",
        *_cut("tasks.statements", "FAIL", ("AND call_id IS NULL AND attempts >= :max", "AND attempts >= :max")),
    ),
    "fail.max": GuardTest(
        _FAIL, "test_fail_without_a_call_requires_exhausted_attempts",
        *_cut("tasks.statements", "FAIL", ("AND call_id IS NULL AND attempts >= :max", "AND call_id IS NULL")),
    ),
    "fail.repeat": GuardTest(
        _FAIL, "test_a_repeated_fail_is_written_once",
        *_cut("tasks.statements", "FAIL", ("AND NOT EXISTS (SELECT FROM t)", "AND false")),
    ),
    "replay.failed": GuardTest(
        _REPLAY, "test_a_deleted_thought_is_never_replayed",
        *_cut("contracts.replay", "REPLAY", ("AND f.status = 'failed'", ""), ("AND t.status = 'failed'", ""),
              ("AND l.state = ANY (CAST(:states AS text[]))", "AND CAST(:states AS text[]) IS NOT NULL")),
    ),
    "replay.turn": GuardTest(
        _REPLAY, "test_a_dead_letter_of_an_earlier_turn_does_not_replay_a_thought_that_failed_in_a_later_one",
        *_cut("contracts.replay", "REPLAY", ("AND f.turn = l.turn", ""), ("AND t.turn = c.turn", "")),
    ),
    "replay.token": GuardTest(
        _REPLAY, _REPLAYED, *_cut("contracts.replay", "REPLAY", ("dispatch_id = t.dispatch_id + 1,", "")),
    ),
    "replay.losses": GuardTest(
        _REPLAY, _REPLAYED, *_cut("contracts.replay", "REPLAY", ("losses = 0,", "")),
    ),
    "replay.sends": GuardTest(
        _REPLAY, _REPLAYED, *_cut("contracts.replay", "REPLAY", ("sends = 0,", "")),
    ),
    "republish.position": GuardTest(
        _REPUBLISH, "test_publish_skips_a_dead_letter_that_was_published_in_the_meantime",
        *_cut("bridge.dead_letters.republish", "REPUBLISH", (
            "AND l.kafka_offset IS NOT DISTINCT FROM", "AND -1 IS DISTINCT FROM")),
    ),
    "republish.pending": GuardTest(
        _REPUBLISH, "test_publish_does_not_duplicate_a_row_that_waits_in_the_outbox",
        *_cut("bridge.dead_letters.republish", "REPUBLISH", (
            "AND NOT EXISTS (SELECT FROM outbox o WHERE o.failure_id = l.failure_id)", "")),
    ),
    "rebuild.existing": GuardTest(
        "bridge/dead_letters/test_rebuild.py", "test_a_second_rebuild_adds_nothing_and_leaves_existing_rows",
        *_cut("bridge.dead_letters.rebuild", "REBUILD", ("ON CONFLICT (failure_id) DO NOTHING", "")),
    ),
    "delete.repeat": GuardTest(
        _DELETION, "test_deleting_again_changes_nothing",
        *_cut("webapp.deletion", "DELETE_THOUGHT", ("AND status <> 'deleted' RETURNING", "RETURNING")),
    ),
    "delete.token": GuardTest(
        _DELETION, "test_a_deletion_fences_the_worker_and_the_next_thought_of_the_line_begins",
        *_cut("webapp.deletion", "DELETE_THOUGHT", ("dispatch_id = dispatch_id + 1,", "")),
    ),
    "cancel.turn": GuardTest(
        _CANCELLATION, "test_a_cancellation_of_an_earlier_turn_leaves_a_retried_thought_open",
        *_cut("webapp.cancellation", "CANCEL", ("AND turn = :turn AND", "AND :turn > 0 AND")),
    ),
    "cancel.token": GuardTest(
        _CANCELLATION, "test_a_cancellation_writes_the_state_the_discarded_dead_letter_and_the_event",
        *_cut("webapp.cancellation", "CANCEL", ("dispatch_id = dispatch_id + 1,", "")),
    ),
    "relay.lock": GuardTest(
        "bridge/relay/test_relay_faults.py", "test_two_relays_publish_every_row_once_and_in_order",
        *_cut("bridge.relay.outbox", "ACQUIRE_LEADERSHIP", (
            "pg_try_advisory_xact_lock(:lock)", "CAST(:lock AS bigint) IS NOT NULL")),
    ),
    "sweep.newest": GuardTest(
        _SWEEP, "test_the_sweep_emits_only_the_newest_open_thought_of_a_line",
        *_cut("bridge.relay.sweep", "SWEEP", ("ORDER BY turn DESC LIMIT 1", "ORDER BY turn LIMIT 1")),
    ),
    "sweep.never_emitted": GuardTest(
        _SWEEP, "test_the_sweep_emits_a_thought_accepted_in_batch_mode_at_once",
        *_cut("bridge.relay.sweep", "SWEEP", ("t.emitted_at IS NULL AND t.headers IS NULL OR", "")),
    ),
    "sweep.pause": GuardTest(
        _SWEEP, "test_the_sweep_skips_a_recently_emitted_thought",
        *_cut("bridge.relay.sweep", "SWEEP", (
            "COALESCE(t.emitted_at, t.created_at) < now() - interval '5 min' * 2 ^ LEAST(t.emissions, 6)", "true")),
    ),
    "sweep.beat": GuardTest(
        _SWEEP, "test_the_sweep_skips_a_line_whose_head_is_being_processed",
        *_cut("bridge.relay.sweep", "SWEEP", (
            "AND (line.beat_at IS NULL OR line.beat_at <= now() - interval '1 min')", "")),
    ),
    "join.once": GuardTest(
        _JOIN, "test_a_user_joins_one_account_only_and_an_account_joins_none",
        *_cut("webapp.accounts.joining", "JOIN_ACCOUNT", ("a.account_id IS NULL AND", ""), (_FREE, "")),
    ),
    "join.seen": GuardTest(
        _JOIN_AT_ONCE, "test_a_thought_that_is_being_accepted_is_moved_too",
        *_cut("webapp.accounts.joining", "JOIN_ACCOUNT", (
            "AND users.last_turn = CASE", "AND users.last_turn >= 0 * CASE")),
    ),
    "join.large_turn": GuardTest(
        _JOIN, "test_new_turns_are_larger_than_every_former_turn_of_both_lines",
        *_cut("webapp.accounts.joining", "JOIN_ACCOUNT", ("GREATEST(anonymous_turn, account_turn)", "account_turn")),
    ),
    "join.record": GuardTest(
        _JOIN, "test_each_open_thought_gets_a_record_that_a_bridge_accepts_in_the_accounts_name",
        *_cut("webapp.accounts.joining", "JOIN_ACCOUNT", ("FROM moved WHERE :emit", "FROM moved WHERE false")),
    ),
    "join.vector": GuardTest(
        _JOIN_AT_ONCE, "test_a_vector_that_is_being_stored_follows_its_thought",
        *_cut("webapp.accounts.joining", "MOVE_LATE_VECTORS", ("AND t.user_id <> v.user_id", "AND false")),
    ),
    "gate.bound": GuardTest(_GATE, "test_a_user_over_the_budget_waits_and_others_do_not"),
    "batch.cutoff": GuardTest(
        _BATCHES, "test_a_thought_written_after_the_request_waits_for_the_next_batch",
        *_cut("bridge.consumer.batch_source", "WAITING", (
            "AND (t.created_at <= b.asked_at OR t.created_at > now())", "")),
    ),
    "batch.held": GuardTest(
        _BATCHES, "test_a_user_is_added_once_while_the_lane_holds_it_and_again_afterwards",
        *_cut("bridge.consumer.batch_source", "WAITING", ("AND t.user_id <> ALL (CAST(:held AS uuid[]))", "")),
    ),
    "batch.begun": GuardTest(
        _BATCHES, "test_a_batch_that_has_not_begun_does_not_end",
        *_cut("bridge.consumer.batch_source", "END", ("AND b.begun_at IS NOT NULL", "")),
    ),
    "delete.vector": GuardTest(
        _EARLIER, "test_a_deletion_erases_a_vector_that_was_just_being_stored",
        *_cut("webapp.deletion", "ERASE_LATE_RESULTS", (
            "vectors AS (DELETE FROM thought_vectors USING gone WHERE thought_id = gone.id),", "")),
    ),
    "vector.deleted": GuardTest(
        _EARLIER, "test_no_vector_of_a_deleted_thought_is_stored",
        *_cut("contracts.thought_vectors", "STORE_VECTOR", ("AND status <> 'deleted'", "")),
    ),
    "vector.lock": GuardTest(
        _EARLIER, "test_a_deletion_that_comes_first_leaves_nothing_to_store",
        *_cut("contracts.thought_vectors", "STORE_VECTOR", ("FOR SHARE", "")),
    ),
    "similar.user": GuardTest(
        _EARLIER, "test_no_thought_of_another_user_is_ever_read",
        *_cut("tasks.memory.statements", "SIMILAR", (
            "AND e.user_id = t.user_id", ""), ("v.user_id = t.user_id AND", "")),
    ),
    "similar.before": GuardTest(
        _EARLIER, "test_only_completed_thoughts_that_were_written_before_are_read",
        *_cut("tasks.memory.statements", "SIMILAR", ("AND (e.created_at, e.id) < (t.created_at, t.id)", "")),
    ),
    "similar.completed": GuardTest(
        _EARLIER, "test_only_completed_thoughts_that_were_written_before_are_read",
        *_cut("tasks.memory.statements", "SIMILAR", ("AND e.status = 'completed'", "")),
    ),
    "reuse.completed": GuardTest(
        _REUSE, "test_a_source_is_found_beside_a_later_one_that_is_not_completed",
        *_cut("tasks.memory.statements", "SOURCE", ("AND t.status = 'completed'", "")),
    ),
    "reuse.whole": GuardTest(
        _REUSE, "test_a_thought_with_results_of_two_versions_is_no_source",
        *_cut("tasks.memory.statements", "SOURCE", (
            "AND (SELECT count(*) FROM agent_runs a WHERE a.thought_id = t.id AND a.reuse_key = :key) = :steps",
            "AND :steps > 0")),
    ),
    "reuse.read": GuardTest(
        _REUSE, "test_a_source_is_found_beside_a_later_one_that_read_a_deleted_thought",
        *_cut("tasks.memory.statements", "SOURCE", ("AND x.status = 'deleted'", "AND false")),
    ),
    "reuse.deleted": GuardTest(
        _REUSE, "test_the_remaining_steps_are_not_copied_from_a_thought_that_is_no_longer_completed",
        *_cut("tasks.memory.statements", "SAVED_RUN", ("AND t.status = 'completed'", "")),
    ),
    "reuse.key": GuardTest(
        _REUSE, "test_a_change_of_the_provider_midway_analyses_the_remaining_steps",
        *_cut("tasks.memory.statements", "SAVED_RUN", ("AND r.reuse_key = :key", "AND :key <> ''")),
    ),
    "worker.confirm": GuardTest(_STEP_STORE, "test_a_save_repeated_during_the_first_commit_returns_true"),
    "source.epoch": GuardTest(
        "bridge/consumer/test_partition.py", "test_a_later_leader_epoch_before_the_commit_reveals_a_replaced_log"),
    "source.lost": GuardTest(
        "bridge/consumer/test_consumer_groups.py", "test_lost_partitions_are_not_committed"),
}  # fmt: skip
"""Guard -> its test."""
