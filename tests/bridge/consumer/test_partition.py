"""What is committed of a partition: its frontier, with a leader epoch that can never be taken for a lost tail."""

from uuid import UUID

import pytest

from bridge.consumer.lane import Lane
from bridge.consumer.partition import AssignedPartition
from bridge.kafka.start_offset import StartOffset
from tests.bridge.lane_examples import a_record


def read(assigned: AssignedPartition, offset: int, epoch: int | None) -> None:
    assigned.record_epoch(offset, epoch)
    assigned.lane.add_invalid(a_record(offset, UUID(int=1)), "broken")


def close_first(lane: Lane) -> None:
    item = lane.next_ingest(0.0)
    assert item is not None
    lane.dead_lettered(item.record)


def told(assigned: AssignedPartition) -> tuple[int, int | None]:
    place = assigned.to_commit("work", 2)
    assert (place.topic, place.partition, place.metadata) == ("work", 2, "an-id")
    return place.offset, place.leader_epoch


def test_a_commit_has_the_epoch_of_the_last_record_that_was_read() -> None:
    assigned = AssignedPartition.at(StartOffset(7, epoch=1), "an-id", 20.0)
    assert not assigned.has_uncommitted_progress
    read(assigned, 7, 4)
    read(assigned, 8, 5)
    close_first(assigned.lane)
    assert (assigned.has_uncommitted_progress, told(assigned)) == (True, (8, 5))
    close_first(assigned.lane)
    assert told(assigned) == (9, 5)


def test_past_the_last_record_there_is_no_epoch() -> None:
    """A transaction's mark may have been written under a later leader than the record before it."""
    assigned = AssignedPartition.at(StartOffset(0), "an-id", 20.0)
    read(assigned, 0, 4)
    assigned.lane.advance_to(2)
    assert told(assigned) == (0, 4)
    close_first(assigned.lane)
    assert told(assigned) == (2, None)


def test_a_broker_that_tells_no_epochs_is_told_none() -> None:
    assigned = AssignedPartition.at(StartOffset(0), "an-id", 20.0)
    read(assigned, 0, None)
    close_first(assigned.lane)
    assert told(assigned) == (1, None)


def test_what_was_committed_wrongly_is_put_right_at_once_where_the_log_is_known() -> None:
    assert AssignedPartition.at(StartOffset(5, "outside of the log"), "an-id", 20.0).has_uncommitted_progress
    assert not AssignedPartition.at(StartOffset(-2, "made anew"), "an-id", 20.0).has_uncommitted_progress


@pytest.mark.parametrize(("epoch", "is_another"), [(2, False), (3, False), (4, True), (None, False)])
def test_a_record_before_the_commit_of_a_later_epoch_is_of_another_log(epoch: int | None, is_another: bool) -> None:
    assigned = AssignedPartition.at(StartOffset(7, epoch=3), "an-id", 20.0)
    assert assigned.checks_previous_record
    assert assigned.log_was_replaced(epoch) is is_another
    assert not assigned.checks_previous_record
