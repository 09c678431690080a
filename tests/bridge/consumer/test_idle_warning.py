"""A bridge that has no partition for long says so once, and again when it happens again."""

from bridge.consumer.idle_warning import IDLE_SECONDS, IdleWarning


def test_it_is_told_once_after_a_minute() -> None:
    unassigned = IdleWarning()
    seconds = [0.0, IDLE_SECONDS - 1, IDLE_SECONDS, IDLE_SECONDS + 1, 10 * IDLE_SECONDS]
    assert [unassigned.is_due(False, now) for now in seconds] == [False, False, True, False, False]


def test_it_is_told_again_of_the_next_time() -> None:
    unassigned = IdleWarning()
    assert unassigned.is_due(False, 0.0) is False
    assert unassigned.is_due(False, IDLE_SECONDS) is True
    assert unassigned.is_due(True, 100.0) is False
    assert unassigned.is_due(False, 200.0) is False
    assert unassigned.is_due(False, 199.0 + IDLE_SECONDS) is False
    assert unassigned.is_due(False, 200.0 + IDLE_SECONDS) is True
