"""Tests of the start offset: the committed offset, or else the earliest one; records are never skipped unnoticed."""

import pytest
from confluent_kafka import OFFSET_BEGINNING
from hypothesis import given
from hypothesis import strategies as st

from bridge.kafka.start_offset import NO_EPOCH, UNKNOWN_WATERMARKS, CommittedOffset, StartOffset, choose_start_offset


def test_a_new_group_starts_at_the_earliest_record() -> None:
    assert choose_start_offset(None, "id", low=40, high=90) == StartOffset(40)


@pytest.mark.parametrize("offset", [40, 41, 90])
def test_reading_continues_at_a_commit_within_the_log(offset: int) -> None:
    assert choose_start_offset(CommittedOffset(offset, "id"), "id", low=40, high=90) == StartOffset(offset)


@pytest.mark.parametrize("offset", [0, 39, 91, 10_000])
def test_a_commit_outside_the_log_starts_at_the_earliest_record_with_an_alarm(offset: int) -> None:
    start = choose_start_offset(CommittedOffset(offset, "id"), "id", low=40, high=90)
    assert start.offset == 40
    assert str(offset) in start.alarm


def test_a_commit_for_an_earlier_topic_of_the_same_name_is_ignored_with_an_alarm() -> None:
    start = choose_start_offset(CommittedOffset(50, "old"), "new", low=0, high=90)
    assert start.offset == 0
    assert "recreated" in start.alarm


@pytest.mark.parametrize(("committed_id", "present_id"), [("", "new"), ("old", ""), ("", "")])
def test_an_unknown_topic_id_is_not_compared(committed_id: str, present_id: str) -> None:
    assert choose_start_offset(CommittedOffset(50, committed_id), present_id, low=0, high=90) == StartOffset(50)


@given(
    offset=st.integers(0, 100),
    ids=st.tuples(*[st.sampled_from(["", "a", "b"])] * 2),
    low=st.integers(0, 60),
    length=st.integers(0, 60),
)
def test_only_records_that_were_committed_for_the_same_log_are_skipped(
    offset: int, ids: tuple[str, str], low: int, length: int
) -> None:
    start = choose_start_offset(CommittedOffset(offset, ids[0]), ids[1], low, low + length)
    assert low <= start.offset <= low + length
    if start.offset > low:
        assert start == StartOffset(offset)
        assert ids[0] == ids[1] or "" in ids
    elif offset != low:
        assert start.alarm


def test_the_epoch_of_a_commit_is_used_only_with_its_offset() -> None:
    assert choose_start_offset(CommittedOffset(7, "an-id", 3), "an-id", 0, 9) == StartOffset(7, epoch=3)
    assert choose_start_offset(CommittedOffset(7, "an-id", 3), "another", 0, 9).epoch == NO_EPOCH
    assert choose_start_offset(CommittedOffset(7, "an-id", 3), "an-id", 8, 9).epoch == NO_EPOCH


def test_the_record_before_a_commit_is_read_if_it_exists_and_the_commit_has_an_epoch() -> None:
    assert choose_start_offset(CommittedOffset(7, "an-id", 0), "an-id", 6, 9).read_from == 6
    assert choose_start_offset(CommittedOffset(7, "an-id", 0), "an-id", 7, 9).read_from == 7
    assert choose_start_offset(CommittedOffset(7, "an-id"), "an-id", 0, 9).read_from == 7
    assert choose_start_offset(CommittedOffset(7, "an-id", 0), "an-id", *UNKNOWN_WATERMARKS).read_from == 7
    assert choose_start_offset(None, "an-id", *UNKNOWN_WATERMARKS).read_from == OFFSET_BEGINNING


def test_a_commit_is_trusted_while_the_watermarks_are_unknown() -> None:
    assert choose_start_offset(None, "an-id", *UNKNOWN_WATERMARKS) == StartOffset(OFFSET_BEGINNING)
    assert choose_start_offset(CommittedOffset(7, "an-id"), "an-id", *UNKNOWN_WATERMARKS) == StartOffset(7)
    recreated = choose_start_offset(CommittedOffset(7, "an-id"), "another", *UNKNOWN_WATERMARKS)
    assert (recreated.offset, "recreated" in recreated.alarm) == (OFFSET_BEGINNING, True)
