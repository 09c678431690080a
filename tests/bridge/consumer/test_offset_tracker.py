"""Tests the frontier: it is the lowest open offset, so everything below it is done."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.consumer.offset_tracker import OffsetTracker


def test_the_frontier_of_an_unread_partition_is_its_start() -> None:
    assert OffsetTracker(17).frontier == 17


def test_the_frontier_stays_at_the_lowest_open_offset() -> None:
    offsets = OffsetTracker(5)
    for offset in (5, 6, 7):
        offsets.open(offset)
    offsets.close(7)
    offsets.close(6)
    assert offsets.frontier == 5
    offsets.close(5)
    assert offsets.frontier == 8


def test_the_frontier_skips_gaps_in_the_log() -> None:
    offsets = OffsetTracker(0)
    offsets.open(3)
    offsets.open(900)
    offsets.close(3)
    assert offsets.frontier == 900
    offsets.close(900)
    assert offsets.frontier == 901


def test_closing_an_offset_that_is_not_open_changes_nothing() -> None:
    offsets = OffsetTracker(0)
    offsets.open(0)
    offsets.open(1)
    offsets.close(1)
    offsets.close(1)
    offsets.close(44)
    assert (offsets.frontier, len(offsets)) == (0, 1)


def test_the_bytes_are_those_of_open_records() -> None:
    offsets = OffsetTracker(0)
    for offset, size in enumerate((10, 200, 3_000)):
        offsets.open(offset, size)
    offsets.close(1)
    offsets.close(1)
    assert offsets.bytes == 3_010
    offsets.close(0)
    offsets.close(2)
    assert offsets.bytes == 0


@given(gaps=st.lists(st.integers(1, 5), max_size=60), data=st.data())
def test_the_frontier_is_the_lowest_open_offset_in_any_order_of_closing(gaps: list[int], data: st.DataObject) -> None:
    offsets, read, closed, next_offset = OffsetTracker(10), set[int](), set[int](), 10
    for gap in gaps:
        next_offset += gap
        offsets.open(next_offset - 1)
        read.add(next_offset - 1)
        for offset in data.draw(st.sets(st.sampled_from(sorted(read)), max_size=4)):
            offsets.close(offset)
            closed.add(offset)
        assert offsets.frontier == min(read - closed, default=next_offset)
        assert len(offsets) == len(read - closed)


def test_memory_is_bounded_by_the_number_of_open_offsets() -> None:
    offsets = OffsetTracker(0)
    offsets.open(0)
    for offset in range(1, 100_000):
        offsets.open(offset)
        offsets.close(offset)
    assert len(offsets._order) < 5_000
    assert offsets.frontier == 0
    offsets.close(0)
    assert offsets.frontier == 100_000
