"""Tests what is committed for a partition: its frontier, with a leader epoch that never looks like a lost tail."""

from uuid import UUID

import pytest

from bridge.consumer.lane import Lane
from bridge.consumer.partition import AssignedPartition
from bridge.kafka.start_offset import StartOffset
from tests.bridge.lane_examples import make_record


def read_record(assigned: AssignedPartition, offset: int, epoch: int | None) -> None:
    assigned.note_epoch(offset, epoch)
    assigned.lane.add_invalid(make_record(offset, UUID(int=1)), "unreadable")


def close_first(lane: Lane) -> None:
    item = lane.next_ingest(0.0)
    assert item is not None
    lane.dead_lettered(item.record)


def committed_offset_and_epoch(assigned: AssignedPartition) -> tuple[int, int | None]:
    commit = assigned.to_commit("work", 2)
    assert (commit.topic, commit.partition, commit.metadata) == ("work", 2, "an-id")
    return commit.offset, commit.leader_epoch


def test_a_commit_has_the_leader_epoch_of_the_last_record_that_was_read() -> None:
    assigned = AssignedPartition.at(StartOffset(7, epoch=1), "an-id", 20.0)
    assert not assigned.has_uncommitted_progress
    read_record(assigned, 7, 4)
    read_record(assigned, 8, 5)
    close_first(assigned.lane)
    assert (assigned.has_uncommitted_progress, committed_offset_and_epoch(assigned)) == (True, (8, 5))
    close_first(assigned.lane)
    assert committed_offset_and_epoch(assigned) == (9, 5)


def test_a_commit_past_the_last_record_has_no_leader_epoch() -> None:
    """A transaction marker may have been written under a later leader than the record before it."""
    assigned = AssignedPartition.at(StartOffset(0), "an-id", 20.0)
    read_record(assigned, 0, 4)
    assigned.lane.advance_to(2)
    assert committed_offset_and_epoch(assigned) == (0, 4)
    close_first(assigned.lane)
    assert committed_offset_and_epoch(assigned) == (2, None)


def test_a_commit_to_a_broker_without_leader_epochs_has_none() -> None:
    assigned = AssignedPartition.at(StartOffset(0), "an-id", 20.0)
    read_record(assigned, 0, None)
    close_first(assigned.lane)
    assert committed_offset_and_epoch(assigned) == (1, None)


def test_a_wrong_commit_is_replaced_at_once_if_the_watermarks_are_known() -> None:
    assert AssignedPartition.at(StartOffset(5, "outside of the log"), "an-id", 20.0).has_uncommitted_progress
    assert not AssignedPartition.at(StartOffset(-2, "recreated"), "an-id", 20.0).has_uncommitted_progress


@pytest.mark.parametrize(("epoch", "is_replaced"), [(2, False), (3, False), (4, True), (None, False)])
def test_a_later_leader_epoch_before_the_commit_reveals_a_replaced_log(epoch: int | None, is_replaced: bool) -> None:
    assigned = AssignedPartition.at(StartOffset(7, epoch=3), "an-id", 20.0)
    assert assigned.checks_previous_record
    assert assigned.finish_previous_record_check(epoch) is is_replaced
    assert not assigned.checks_previous_record
