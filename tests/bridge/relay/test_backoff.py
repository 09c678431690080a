"""What rests in the outbox: for how long, and what wakes it."""

from bridge.relay.backoff import LINE_SECONDS, LONGEST_SECONDS, MOST_LINES, TOPIC_SECONDS, Resting

ONE, OTHER = ("work", 1), ("work", 2)


def test_a_topic_rests_for_a_while() -> None:
    resting = Resting()
    resting.rest_topic("events", 0.0)
    assert (resting.topics(0.0), resting.topics(TOPIC_SECONDS - 0.1)) == (["events"], ["events"])
    assert (resting.topics(TOPIC_SECONDS), resting.lines(0.0)) == ([], [])


def test_a_line_that_is_late_again_rests_twice_as_long_up_to_a_bound() -> None:
    resting, now, pauses = Resting(), 0.0, list[float]()
    for _ in range(8):
        resting.note({OTHER}, {"a line": ONE}, now)
        pauses.append(next(seconds for seconds in range(1, 1000) if not resting.lines(now + seconds)))
        now += pauses[-1]
    assert pauses[:3] == [LINE_SECONDS, 2 * LINE_SECONDS, 4 * LINE_SECONDS]
    assert pauses[-1] == LONGEST_SECONDS


def test_a_line_that_was_well_for_as_long_as_it_rested_is_forgotten() -> None:
    resting = Resting()
    resting.note({OTHER}, {"a line": ONE}, 0.0)
    assert resting.lines(2 * LINE_SECONDS) == []
    resting.note({OTHER}, {"a line": ONE}, 100.0)
    assert resting.lines(100.0 + LINE_SECONDS) == []


def test_the_first_record_that_a_partition_takes_wakes_all_its_lines() -> None:
    resting = Resting()
    resting.note({OTHER}, {"one": ONE, "two": ONE, "three": ("events", 1)}, 0.0)
    resting.note({ONE}, {}, 1.0)
    assert resting.lines(1.0) == ["three"]


def test_where_others_are_taken_lines_sleep_on_though_nothing_else_waits() -> None:
    resting = Resting()
    resting.note({OTHER}, {"a line": ONE}, 0.0)
    resting.note(set(), {"a line": ONE}, 6.0)
    assert not resting.wake()
    assert resting.lines(6.0) == ["a line"]


def test_where_nothing_is_taken_lines_are_tried_again_when_nothing_else_waits() -> None:
    resting = Resting()
    resting.note({OTHER}, {"a line": ONE}, 0.0)
    resting.note(set(), {"another": OTHER}, 1.0)  # now no partition takes anything any more
    assert resting.wake()
    assert resting.lines(1.0) == []
    assert not resting.wake()


def test_memory_is_bounded_and_then_all_are_tried_again() -> None:
    resting = Resting()
    resting.note({OTHER}, {f"line {number}": ONE for number in range(MOST_LINES + 1)}, 0.0)
    assert resting.lines(0.0) == [f"line {MOST_LINES}"]
