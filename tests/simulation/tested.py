"""Guards that no history misses, because the promise does not hang on them alone: they save time or work, or another
guard of the same statement is behind them. A test beneath tests/ shows what each does, and fails without it."""

from collections.abc import Mapping
from typing import Final

_BATCHES: Final = "bridge/test_batches.py"
_DECIDE: Final = "bridge/test_decide.py"
_FAIL: Final = "tasks/test_fail.py"
_REPLAY: Final = "bridge/letters/test_replay.py"

TESTED: Final[Mapping[str, tuple[str, str]]] = {
    "decide.turn": (_DECIDE, "test_each_record_gets_its_verdict"),
    "decide.dispatch": (_DECIDE, "test_a_head_that_is_not_what_was_watched_is_not_taken_over"),
    "save.repeat": ("tasks/test_ledger.py", "test_a_save_repeated_after_a_lost_answer_is_saved_once"),
    "fail.call": (_FAIL, "test_a_call_that_another_one_of_its_dispatch_has_followed_cannot_fail_the_thought"),
    "fail.token": (_FAIL, "test_another_token_or_step_cannot_fail_the_thought"),
    "fail.step": (_FAIL, "test_another_token_or_step_cannot_fail_the_thought"),
    "fail.free": (_FAIL, "test_without_a_call_a_thought_in_a_call_is_left_alone"),
    "fail.max": (_FAIL, "test_without_a_call_only_an_exhausted_thought_fails"),
    "fail.repeat": (_FAIL, "test_a_failure_repeated_after_a_lost_answer_is_written_once"),
    "replay.failed": (_REPLAY, "test_a_deleted_thought_is_never_replayed"),
    "replay.turn": (_REPLAY, "test_a_dead_letter_of_an_older_turn_does_not_replay_what_failed_in_a_later_one"),
    "replay.token": (_REPLAY, "test_a_replayed_thought_is_pending_again_at_the_end_of_its_line"),
    "relay.lock": ("bridge/test_relay_faults.py", "test_two_relays_publish_every_row_once_and_in_order"),
    "batch.asked": (_BATCHES, "test_what_is_written_after_the_batch_was_asked_for_waits_for_the_next_one"),
    "batch.held": (_BATCHES, "test_a_user_is_fed_once_while_the_lane_holds_them_and_again_when_they_are_forgotten"),
    "batch.begun": (_BATCHES, "test_a_batch_that_nobody_has_begun_does_not_end"),
    "log.lost": ("bridge/test_consumer_groups.py", "test_nothing_is_committed_for_partitions_that_were_lost"),
}
"""Guard -> file and function."""
