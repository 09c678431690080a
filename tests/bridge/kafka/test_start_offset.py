"""Where a partition is read from: at what was committed, else at the earliest record, and never in silence past one."""

import pytest
from confluent_kafka import OFFSET_BEGINNING
from hypothesis import given
from hypothesis import strategies as st

from bridge.kafka.start_offset import NO_EPOCH, UNKNOWN_WATERMARKS, CommittedOffset, StartOffset, choose_start_offset


def test_a_new_group_begins_at_the_earliest_record() -> None:
    assert choose_start_offset(None, "id", low=40, high=90) == StartOffset(40)


@pytest.mark.parametrize("offset", [40, 41, 90])
def test_a_commit_within_the_log_is_gone_on_from(offset: int) -> None:
    assert choose_start_offset(CommittedOffset(offset, "id"), "id", low=40, high=90) == StartOffset(offset)


@pytest.mark.parametrize("offset", [0, 39, 91, 10_000])
def test_a_commit_outside_of_the_log_begins_at_the_earliest_with_an_alarm(offset: int) -> None:
    start = choose_start_offset(CommittedOffset(offset, "id"), "id", low=40, high=90)
    assert start.offset == 40
    assert str(offset) in start.alarm


def test_a_commit_for_an_earlier_topic_of_the_same_name_counts_as_none() -> None:
    start = choose_start_offset(CommittedOffset(50, "old"), "new", low=0, high=90)
    assert start.offset == 0
    assert "anew" in start.alarm


@pytest.mark.parametrize(("committed", "now"), [("", "new"), ("old", ""), ("", "")])
def test_where_no_topic_id_is_known_the_offset_alone_counts(committed: str, now: str) -> None:
    assert choose_start_offset(CommittedOffset(50, committed), now, low=0, high=90) == StartOffset(50)


@given(
    offset=st.integers(0, 100),
    ids=st.tuples(*[st.sampled_from(["", "a", "b"])] * 2),
    low=st.integers(0, 60),
    more=st.integers(0, 60),
)
def test_what_is_skipped_was_committed_for_this_very_log(
    offset: int, ids: tuple[str, str], low: int, more: int
) -> None:
    start = choose_start_offset(CommittedOffset(offset, ids[0]), ids[1], low, low + more)
    assert low <= start.offset <= low + more
    if start.offset > low:
        assert start == StartOffset(offset)
        assert ids[0] == ids[1] or "" in ids
    elif offset != low:
        assert start.alarm


def test_the_epoch_of_a_commit_goes_with_its_offset_and_with_no_other() -> None:
    assert choose_start_offset(CommittedOffset(7, "an-id", 3), "an-id", 0, 9) == StartOffset(7, epoch=3)
    assert choose_start_offset(CommittedOffset(7, "an-id", 3), "another", 0, 9).epoch == NO_EPOCH
    assert choose_start_offset(CommittedOffset(7, "an-id", 3), "an-id", 8, 9).epoch == NO_EPOCH


def test_the_record_before_a_commit_is_looked_at_where_there_is_one_and_the_commit_has_an_epoch() -> None:
    assert choose_start_offset(CommittedOffset(7, "an-id", 0), "an-id", 6, 9).read_from == 6
    assert choose_start_offset(CommittedOffset(7, "an-id", 0), "an-id", 7, 9).read_from == 7
    assert choose_start_offset(CommittedOffset(7, "an-id"), "an-id", 0, 9).read_from == 7
    assert choose_start_offset(CommittedOffset(7, "an-id", 0), "an-id", *UNKNOWN_WATERMARKS).read_from == 7
    assert choose_start_offset(None, "an-id", *UNKNOWN_WATERMARKS).read_from == OFFSET_BEGINNING


def test_ends_that_are_not_known_contradict_no_commit() -> None:
    assert choose_start_offset(None, "an-id", *UNKNOWN_WATERMARKS) == StartOffset(OFFSET_BEGINNING)
    assert choose_start_offset(CommittedOffset(7, "an-id"), "an-id", *UNKNOWN_WATERMARKS) == StartOffset(7)
    anew = choose_start_offset(CommittedOffset(7, "an-id"), "another", *UNKNOWN_WATERMARKS)
    assert (anew.offset, "made anew" in anew.alarm) == (OFFSET_BEGINNING, True)
