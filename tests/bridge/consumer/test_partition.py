"""What is committed of a partition: its frontier, with a leader epoch that can never be taken for a lost tail."""

from uuid import UUID

import pytest

from bridge.consumer.lane import Lane
from bridge.consumer.partition import Assigned
from bridge.kafka.start_offset import Start
from tests.bridge.lane_examples import a_record


def read(assigned: Assigned, offset: int, epoch: int | None) -> None:
    assigned.note_epoch(offset, epoch)
    assigned.lane.read_unreadable(a_record(offset, UUID(int=1)), "broken")


def close_first(lane: Lane) -> None:
    item = lane.intake(0.0)
    assert item is not None
    lane.buried(item.record)


def told(assigned: Assigned) -> tuple[int, int | None]:
    place = assigned.to_commit("work", 2)
    assert (place.topic, place.partition, place.metadata) == ("work", 2, "an-id")
    return place.offset, place.leader_epoch


def test_a_commit_has_the_epoch_of_the_last_record_that_was_read() -> None:
    assigned = Assigned.at(Start(7, epoch=1), "an-id", 20.0)
    assert not assigned.has_moved
    read(assigned, 7, 4)
    read(assigned, 8, 5)
    close_first(assigned.lane)
    assert (assigned.has_moved, told(assigned)) == (True, (8, 5))
    close_first(assigned.lane)
    assert told(assigned) == (9, 5)


def test_past_the_last_record_there_is_no_epoch() -> None:
    """A transaction's mark may have been written under a later leader than the record before it."""
    assigned = Assigned.at(Start(0), "an-id", 20.0)
    read(assigned, 0, 4)
    assigned.lane.read_to(2)
    assert told(assigned) == (0, 4)
    close_first(assigned.lane)
    assert told(assigned) == (2, None)


def test_a_broker_that_tells_no_epochs_is_told_none() -> None:
    assigned = Assigned.at(Start(0), "an-id", 20.0)
    read(assigned, 0, None)
    close_first(assigned.lane)
    assert told(assigned) == (1, None)


def test_what_was_committed_wrongly_is_put_right_at_once_where_the_log_is_known() -> None:
    assert Assigned.at(Start(5, "outside of the log"), "an-id", 20.0).has_moved
    assert not Assigned.at(Start(-2, "made anew"), "an-id", 20.0).has_moved


@pytest.mark.parametrize(("epoch", "is_another"), [(2, False), (3, False), (4, True), (None, False)])
def test_a_record_before_the_commit_of_a_later_epoch_is_of_another_log(epoch: int | None, is_another: bool) -> None:
    assigned = Assigned.at(Start(7, epoch=3), "an-id", 20.0)
    assert assigned.looks_back
    assert assigned.is_another_log(epoch) is is_another
    assert not assigned.looks_back
