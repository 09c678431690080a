"""The figures of the backlog benchmark, from the times of thoughts and of their steps."""

import re
from dataclasses import replace

from bench.backlog import Load, summarise

LOAD = Load(thoughts=20, users=20, workers=1, concurrency=2)


def test_a_steady_flow_has_equal_periods_and_busy_slots() -> None:
    """A thought begins every 5 s, in one of two slots, and takes 10 s."""
    thoughts = [(100.0 + 5 * number, 110.0 + 5 * number) for number in range(LOAD.thoughts)]
    result = summarise(thoughts, [10.0] * LOAD.thoughts, thoughts, LOAD)
    assert result.ended_per_window == [1] * 14
    assert result.ended_per_work == [2] * 7
    assert result.busy_share == 1.0
    assert (result.first_end, result.seconds) == (10.0, 105.0)
    assert (result.mean_time, result.mean_work) == (10.0, 10.0)


def test_thoughts_that_all_end_at_once_leave_periods_without_an_end() -> None:
    """All advance together and end after the last one has begun: nothing ends while others wait."""
    thoughts = [(5.0 * number, 100.0) for number in range(LOAD.thoughts)]
    runs = [(start, start + 5.0) for start, _ in thoughts]
    result = summarise(thoughts, [5.0] * LOAD.thoughts, runs, LOAD)
    assert result.ended_per_window == [0] * 14
    assert result.busy_share == 0.5
    assert result.mean_time / result.mean_work == 52.5 / 5.0


def test_the_steps_of_a_thought_vary_as_much_as_asked_and_the_same_in_each_run() -> None:
    load = replace(LOAD, delay_ms=4000, spread=0.5)
    texts = [load.text(number) for number in range(200)]
    assert texts == [load.text(number) for number in range(200)]
    delays = [int(delay) for text in texts for delay in re.findall(r"\[\[delay:\w+:(\d+)]]", text)]
    assert len(delays) == 200 * 5
    assert min(delays) in range(2000, 2200)
    assert max(delays) in range(5800, 6001)


def test_without_a_spread_all_steps_take_equally_long() -> None:
    assert set(re.findall(r":(\d+)]]", replace(LOAD, delay_ms=4000).text(7))) == {"4000"}
