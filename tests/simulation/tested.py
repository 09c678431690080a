"""Guards that no history misses, because the promise does not hang on them alone: they save time or work, or another
guard of the same statement is behind them. A test beneath tests/ shows what each does, and fails without it:
`test_tested.py` takes the words out of the statement, or replaces what `switches.py` names, and runs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Shown:
    """A guard's test, and what of the statement is the guard: words in one line, and what is left in their place.

    A guard of the code has no statement; `switches.py` knows what to replace.
    """

    file: str
    function: str
    statement: str = ""
    cuts: tuple[tuple[str, str], ...] = ()


def _cut(module: str, name: str, *cuts: tuple[str, str]) -> tuple[str, tuple[tuple[str, str], ...]]:
    return f"{module}.{name}", cuts


_ACCEPT: Final = "contracts/test_accept.py"
_BATCHES: Final = "bridge/consumer/test_batch_source.py"
_DECIDE: Final = "bridge/consumer/test_decide.py"
_DELETION: Final = "webapp/test_deletion.py"
_FAIL: Final = "tasks/test_fail.py"
_LEDGER: Final = "tasks/test_step_store.py"
_PUBLISH: Final = "bridge/dead_letters/test_republish.py"
_REPLAY: Final = "bridge/dead_letters/test_replay.py"
_SWEEP: Final = "bridge/relay/test_sweep.py"

_SENT_BACK: Final = "test_a_replayed_thought_is_pending_again_at_the_end_of_its_line"

TESTED: Final[Mapping[str, Shown]] = {
    "accept.owner": Shown(
        _ACCEPT, "test_another_users_thought_is_told_apart",
        *_cut("contracts.accept", "ACCEPT", ("(SELECT user_id FROM old) AS owner", "CAST(NULL AS uuid) AS owner")),
    ),
    "decide.turn": Shown(
        _DECIDE, "test_each_record_gets_its_verdict",
        *_cut("bridge.consumer.decide", "DECIDE", (
            "WHEN t.turn <> r.turn AND EXISTS (SELECT FROM dead_letters "
            "WHERE failure_id = t.id || ':' || r.turn) THEN 'done'", "")),
    ),
    "decide.same": Shown(
        _DECIDE, "test_a_head_that_moved_on_between_choice_and_lock_is_no_head",
        *_cut("bridge.consumer.decide", "DECIDE",
              ("AND t.turn = l.turn", ""), ("WHERE t.finished_at IS NULL FOR", "FOR")),
    ),
    "decide.dispatch": Shown(
        _DECIDE, "test_a_head_that_is_not_what_was_watched_is_not_taken_over",
        *_cut("bridge.consumer.decide", "DECIDE", ("AND l.seen_dispatch = t.dispatch_id", "")),
    ),
    "save.sends": Shown(
        _LEDGER, "test_a_saved_step_frees_the_call_and_tells_kafka",
        *_cut("tasks.statements", "SAVE", ("sends = 1,", "")),
    ),
    "save.repeat": Shown(
        _LEDGER, "test_a_save_repeated_after_a_lost_answer_is_saved_once",
        *_cut("tasks.statements", "SAVE", (
            "OR EXISTS (SELECT FROM agent_runs WHERE thought_id = :id AND step = :step AND call_id = :call)", "")),
    ),
    "fail.status": Shown(
        _FAIL, "test_what_has_failed_for_want_of_calls_fails_no_second_time",
        *_cut("tasks.statements", "FAIL", ("AND status = 'processing' AND dispatch_id", "AND dispatch_id")),
    ),
    "fail.call": Shown(
        _FAIL, "test_a_call_that_another_one_of_its_dispatch_has_followed_cannot_fail_the_thought",
        *_cut("tasks.statements", "FAIL", ("(call_id = CAST(:call AS uuid) OR", "(CAST(:call AS uuid) IS NOT NULL OR")),
    ),
    "fail.token": Shown(
        _FAIL, "test_another_token_or_step_cannot_fail_the_thought",
        *_cut("tasks.statements", "FAIL", ("AND dispatch_id = :token", "")),
    ),
    "fail.step": Shown(
        _FAIL, "test_another_token_or_step_cannot_fail_the_thought",
        *_cut("tasks.statements", "FAIL", ("AND steps_done = :step - 1", "")),
    ),
    "fail.free": Shown(
        _FAIL, "test_without_a_call_a_thought_in_a_call_is_left_alone",
        *_cut("tasks.statements", "FAIL", ("AND call_id IS NULL AND attempts >= :max", "AND attempts >= :max")),
    ),
    "fail.max": Shown(
        _FAIL, "test_without_a_call_only_an_exhausted_thought_fails",
        *_cut("tasks.statements", "FAIL", ("AND call_id IS NULL AND attempts >= :max", "AND call_id IS NULL")),
    ),
    "fail.repeat": Shown(
        _FAIL, "test_a_failure_repeated_after_a_lost_answer_is_written_once",
        *_cut("tasks.statements", "FAIL", ("AND NOT EXISTS (SELECT FROM t)", "AND false")),
    ),
    "replay.failed": Shown(
        _REPLAY, "test_a_deleted_thought_is_never_replayed",
        *_cut("bridge.dead_letters.replay", "REPLAY", ("AND f.status = 'failed'", ""), ("AND t.status = 'failed'", ""),
              ("AND l.state = 'open'", "")),
    ),
    "replay.turn": Shown(
        _REPLAY, "test_a_dead_letter_of_an_older_turn_does_not_replay_what_failed_in_a_later_one",
        *_cut("bridge.dead_letters.replay", "REPLAY", ("AND f.turn = l.turn", ""), ("AND t.turn = c.turn", "")),
    ),
    "replay.token": Shown(
        _REPLAY, _SENT_BACK, *_cut("bridge.dead_letters.replay", "REPLAY", ("dispatch_id = t.dispatch_id + 1,", "")),
    ),
    "replay.losses": Shown(
        _REPLAY, _SENT_BACK, *_cut("bridge.dead_letters.replay", "REPLAY", ("losses = 0,", "")),
    ),
    "replay.sends": Shown(
        _REPLAY, _SENT_BACK, *_cut("bridge.dead_letters.replay", "REPLAY", ("sends = 0,", "")),
    ),
    "publish.place": Shown(
        _PUBLISH, "test_what_was_published_elsewhere_in_the_meantime_is_left_alone",
        *_cut("bridge.dead_letters.republish", "PUBLISH", (
            "AND l.kafka_offset IS NOT DISTINCT FROM told.kafka_offset", "")),
    ),
    "publish.waits": Shown(
        _PUBLISH, "test_a_row_that_waits_in_the_outbox_is_not_doubled",
        *_cut("bridge.dead_letters.republish", "PUBLISH", (
            "AND NOT EXISTS (SELECT FROM outbox o WHERE o.failure_id = l.failure_id)", "")),
    ),
    "restore.there": Shown(
        "bridge/dead_letters/test_rebuild.py", "test_a_second_run_adds_nothing_and_leaves_what_is_there",
        *_cut("bridge.dead_letters.rebuild", "RESTORE", ("ON CONFLICT (failure_id) DO NOTHING", "")),
    ),
    "delete.again": Shown(
        _DELETION, "test_deleting_again_changes_nothing",
        *_cut("webapp.deletion", "BURY_WORDS", ("AND status <> 'deleted' RETURNING", "RETURNING")),
    ),
    "delete.token": Shown(
        _DELETION, "test_who_works_on_it_is_fenced_and_the_next_of_the_line_begins",
        *_cut("webapp.deletion", "BURY_WORDS", ("dispatch_id = dispatch_id + 1,", "")),
    ),
    "relay.lock": Shown(
        "bridge/relay/test_relay_faults.py", "test_two_relays_publish_every_row_once_and_in_order",
        *_cut("bridge.relay.outbox", "LEAD", ("pg_try_advisory_xact_lock(:lock)", "CAST(:lock AS bigint) IS NOT NULL")),
    ),
    "sweep.newest": Shown(
        _SWEEP, "test_the_newest_open_thought_of_a_quiet_line_rings_for_the_whole_line",
        *_cut("bridge.relay.sweep", "SWEEP", ("ORDER BY turn DESC LIMIT 1", "ORDER BY turn LIMIT 1")),
    ),
    "sweep.new": Shown(
        _SWEEP, "test_a_thought_accepted_in_batch_mode_is_emitted_at_once_when_kafka_is_back",
        *_cut("bridge.relay.sweep", "SWEEP", ("t.emitted_at IS NULL AND t.headers IS NULL OR", "")),
    ),
    "sweep.pause": Shown(
        _SWEEP, "test_a_thought_that_was_just_emitted_is_left_alone",
        *_cut("bridge.relay.sweep", "SWEEP", (
            "COALESCE(t.emitted_at, t.created_at) < now() - interval '5 min' * 2 ^ LEAST(t.emissions, 6) AND", "")),
    ),
    "sweep.beat": Shown(
        _SWEEP, "test_a_line_that_is_being_worked_on_is_left_alone",
        *_cut("bridge.relay.sweep", "SWEEP", (
            "AND (line.beat_at IS NULL OR line.beat_at <= now() - interval '1 min')", "")),
    ),
    "batch.asked": Shown(
        _BATCHES, "test_what_is_written_after_the_batch_was_asked_for_waits_for_the_next_one",
        *_cut("bridge.consumer.batch_source", "WAITING", ("AND t.created_at <= b.asked_at", "")),
    ),
    "batch.held": Shown(
        _BATCHES, "test_a_user_is_fed_once_while_the_lane_holds_them_and_again_when_they_are_forgotten",
        *_cut("bridge.consumer.batch_source", "WAITING", ("AND t.user_id <> ALL (CAST(:held AS uuid[]))", "")),
    ),
    "batch.begun": Shown(
        _BATCHES, "test_a_batch_that_nobody_has_begun_does_not_end",
        *_cut("bridge.consumer.batch_source", "END", ("AND b.begun_at IS NOT NULL", "")),
    ),
    "worker.sure": Shown(_LEDGER, "test_a_save_repeated_during_the_first_ones_commit_is_known_for_saved"),
    "log.epoch": Shown(
        "bridge/consumer/test_partition.py", "test_a_record_before_the_commit_of_a_later_epoch_is_of_another_log"),
    "log.lost": Shown(
        "bridge/consumer/test_consumer_groups.py", "test_nothing_is_committed_for_partitions_that_were_lost"),
}  # fmt: skip
"""By the name of the guard."""
