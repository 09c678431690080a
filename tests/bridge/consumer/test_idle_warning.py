"""Tests when a bridge without a partition logs its warning: once for each period without one."""

from bridge.consumer.idle_warning import IDLE_SECONDS, IdleWarning


def test_the_warning_is_logged_once_after_a_minute() -> None:
    warning = IdleWarning()
    seconds = [0.0, IDLE_SECONDS - 1, IDLE_SECONDS, IDLE_SECONDS + 1, 10 * IDLE_SECONDS]
    assert [warning.update(False, now) for now in seconds] == [False, False, True, False, False]


def test_the_warning_is_logged_again_for_a_later_period_without_a_partition() -> None:
    warning = IdleWarning()
    assert warning.update(False, 0.0) is False
    assert warning.update(False, IDLE_SECONDS) is True
    assert warning.update(True, 100.0) is False
    assert warning.update(False, 200.0) is False
    assert warning.update(False, 199.0 + IDLE_SECONDS) is False
    assert warning.update(False, 200.0 + IDLE_SECONDS) is True
