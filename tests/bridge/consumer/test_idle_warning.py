"""A bridge that has no partition for long says so once, and again when it happens again."""

from bridge.consumer.idle_warning import LONG_SECONDS, Unassigned


def test_it_is_told_once_after_a_minute() -> None:
    unassigned = Unassigned()
    seconds = [0.0, LONG_SECONDS - 1, LONG_SECONDS, LONG_SECONDS + 1, 10 * LONG_SECONDS]
    assert [unassigned.is_long(False, now) for now in seconds] == [False, False, True, False, False]


def test_it_is_told_again_of_the_next_time() -> None:
    unassigned = Unassigned()
    assert unassigned.is_long(False, 0.0) is False
    assert unassigned.is_long(False, LONG_SECONDS) is True
    assert unassigned.is_long(True, 100.0) is False
    assert unassigned.is_long(False, 200.0) is False
    assert unassigned.is_long(False, 199.0 + LONG_SECONDS) is False
    assert unassigned.is_long(False, 200.0 + LONG_SECONDS) is True
