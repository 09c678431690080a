"""What rests in the outbox: for how long, and what wakes it."""

from bridge.relay.backoff import (
    KEY_PAUSE_SECONDS,
    MAX_PAUSE_SECONDS,
    MAX_PAUSED_KEYS,
    TOPIC_PAUSE_SECONDS,
    BackoffRegistry,
)

ONE, OTHER = ("work", 1), ("work", 2)


def test_a_topic_rests_for_a_while() -> None:
    resting = BackoffRegistry()
    resting.pause_topic("events", 0.0)
    assert (resting.paused_topics(0.0), resting.paused_topics(TOPIC_PAUSE_SECONDS - 0.1)) == (["events"], ["events"])
    assert (resting.paused_topics(TOPIC_PAUSE_SECONDS), resting.paused_keys(0.0)) == ([], [])


def test_a_line_that_is_late_again_rests_twice_as_long_up_to_a_bound() -> None:
    resting, now, pauses = BackoffRegistry(), 0.0, list[float]()
    for _ in range(8):
        resting.record_outcome({OTHER}, {"a line": ONE}, now)
        pauses.append(next(seconds for seconds in range(1, 1000) if not resting.paused_keys(now + seconds)))
        now += pauses[-1]
    assert pauses[:3] == [KEY_PAUSE_SECONDS, 2 * KEY_PAUSE_SECONDS, 4 * KEY_PAUSE_SECONDS]
    assert pauses[-1] == MAX_PAUSE_SECONDS


def test_a_line_that_was_well_for_as_long_as_it_rested_is_forgotten() -> None:
    resting = BackoffRegistry()
    resting.record_outcome({OTHER}, {"a line": ONE}, 0.0)
    assert resting.paused_keys(2 * KEY_PAUSE_SECONDS) == []
    resting.record_outcome({OTHER}, {"a line": ONE}, 100.0)
    assert resting.paused_keys(100.0 + KEY_PAUSE_SECONDS) == []


def test_the_first_record_that_a_partition_takes_wakes_all_its_lines() -> None:
    resting = BackoffRegistry()
    resting.record_outcome({OTHER}, {"one": ONE, "two": ONE, "three": ("events", 1)}, 0.0)
    resting.record_outcome({ONE}, {}, 1.0)
    assert resting.paused_keys(1.0) == ["three"]


def test_where_others_are_taken_lines_sleep_on_though_nothing_else_waits() -> None:
    resting = BackoffRegistry()
    resting.record_outcome({OTHER}, {"a line": ONE}, 0.0)
    resting.record_outcome(set(), {"a line": ONE}, 6.0)
    assert not resting.resume_all()
    assert resting.paused_keys(6.0) == ["a line"]


def test_where_nothing_is_taken_lines_are_tried_again_when_nothing_else_waits() -> None:
    resting = BackoffRegistry()
    resting.record_outcome({OTHER}, {"a line": ONE}, 0.0)
    resting.record_outcome(set(), {"another": OTHER}, 1.0)  # now no partition takes anything any more
    assert resting.resume_all()
    assert resting.paused_keys(1.0) == []
    assert not resting.resume_all()


def test_memory_is_bounded_and_then_all_are_tried_again() -> None:
    resting = BackoffRegistry()
    resting.record_outcome({OTHER}, {f"line {number}": ONE for number in range(MAX_PAUSED_KEYS + 1)}, 0.0)
    assert resting.paused_keys(0.0) == [f"line {MAX_PAUSED_KEYS}"]
