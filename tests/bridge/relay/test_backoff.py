"""Tests of the pauses of topics and order keys: how long they last, and what ends them."""

from bridge.relay.backoff import (
    KEY_PAUSE_SECONDS,
    MAX_KEY_PAUSE_SECONDS,
    MAX_PAUSED_KEYS,
    TOPIC_PAUSE_SECONDS,
    BackoffRegistry,
)

PARTITION, OTHER_PARTITION = ("work", 1), ("work", 2)


def test_a_topic_is_paused_for_a_fixed_time() -> None:
    registry = BackoffRegistry()
    registry.pause_topic("events", 0.0)
    assert (registry.paused_topics(0.0), registry.paused_topics(TOPIC_PAUSE_SECONDS - 0.1)) == (["events"], ["events"])
    assert (registry.paused_topics(TOPIC_PAUSE_SECONDS), registry.paused_keys(0.0)) == ([], [])


def test_the_pause_of_a_key_doubles_with_each_timeout_up_to_a_limit() -> None:
    registry, now, pauses = BackoffRegistry(), 0.0, list[float]()
    for _ in range(8):
        registry.record_outcome({OTHER_PARTITION}, {"a key": PARTITION}, now)
        pauses.append(next(seconds for seconds in range(1, 1000) if not registry.paused_keys(now + seconds)))
        now += pauses[-1]
    assert pauses[:3] == [KEY_PAUSE_SECONDS, 2 * KEY_PAUSE_SECONDS, 4 * KEY_PAUSE_SECONDS]
    assert pauses[-1] == MAX_KEY_PAUSE_SECONDS


def test_the_pause_of_a_key_is_forgotten_after_an_equally_long_time_without_a_timeout() -> None:
    registry = BackoffRegistry()
    registry.record_outcome({OTHER_PARTITION}, {"a key": PARTITION}, 0.0)
    assert registry.paused_keys(2 * KEY_PAUSE_SECONDS) == []
    registry.record_outcome({OTHER_PARTITION}, {"a key": PARTITION}, 100.0)
    assert registry.paused_keys(100.0 + KEY_PAUSE_SECONDS) == []


def test_the_first_record_that_a_partition_accepts_resumes_all_its_keys() -> None:
    registry = BackoffRegistry()
    timed_out = {"first": PARTITION, "second": PARTITION, "third": ("events", 1)}
    registry.record_outcome({OTHER_PARTITION}, timed_out, 0.0)
    registry.record_outcome({PARTITION}, {}, 1.0)
    assert registry.paused_keys(1.0) == ["third"]


def test_keys_stay_paused_while_kafka_accepts_records_of_other_partitions() -> None:
    registry = BackoffRegistry()
    registry.record_outcome({OTHER_PARTITION}, {"a key": PARTITION}, 0.0)
    registry.record_outcome(set(), {"a key": PARTITION}, 6.0)
    assert not registry.resume_all()
    assert registry.paused_keys(6.0) == ["a key"]


def test_all_keys_are_resumed_when_kafka_accepts_nothing_and_no_other_row_waits() -> None:
    registry = BackoffRegistry()
    registry.record_outcome({OTHER_PARTITION}, {"a key": PARTITION}, 0.0)
    registry.record_outcome(set(), {"another key": OTHER_PARTITION}, 1.0)  # now no partition accepts records any more
    assert registry.resume_all()
    assert registry.paused_keys(1.0) == []
    assert not registry.resume_all()


def test_the_number_of_paused_keys_is_limited_by_resuming_all_of_them() -> None:
    registry = BackoffRegistry()
    timed_out = {f"key {number}": PARTITION for number in range(MAX_PAUSED_KEYS + 1)}
    registry.record_outcome({OTHER_PARTITION}, timed_out, 0.0)
    assert registry.paused_keys(0.0) == [f"key {MAX_PAUSED_KEYS}"]
