"""What a model writes reaches its user: the latest text of each call, at most five a second, none after its end."""

import logging
import queue
import threading
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from agents.interface import PartialOutput
from contracts.events import ThoughtAgentProgress
from contracts.settings import Settings
from tasks.calls import Call
from tasks.partial_text import INTERVAL_SECONDS, MAX_CALLS, PAUSE_SECONDS, PartialTextPublisher
from tasks.step_store import Step
from tests.eventually import eventually
from tests.tasks.partial_texts import on_redis
from tests.tcp_proxy import proxy_for

USER = uuid4()


def written(text: str) -> PartialOutput:
    """Return what a model has written of an analysis."""
    return {"opportunity_cost": text}


class Rounds:
    """Collects what is published. A round begins only when the test lets the previous pause end."""

    def __init__(self) -> None:
        self.rounds: list[list[str]] = []
        self.pauses: queue.Queue[float] = queue.Queue()
        self._next = threading.Semaphore(0)
        self.publisher = PartialTextPublisher(self._publish, sleep=self._sleep)

    def _publish(self, texts: Sequence[ThoughtAgentProgress]) -> None:
        self.rounds.append(sorted(text.text for text in texts))

    def _sleep(self, seconds: float) -> None:
        self.pauses.put(seconds)
        self._next.acquire()

    def wait_for_pause(self) -> float:
        return self.pauses.get(timeout=20)

    def end_pause(self) -> None:
        self._next.release()


def make_call() -> tuple[Call, Step, UUID]:
    thought = uuid4()
    return Call(uuid4(), thought, 0.0, 0.0), Step(thought, 1, 2), USER


def test_each_round_publishes_the_latest_text_of_each_call_and_rounds_are_a_fifth_of_a_second_apart() -> None:
    rounds = Rounds()
    first, second = rounds.publisher.show(*make_call()), rounds.publisher.show(*make_call())
    first(written("1a"))
    assert rounds.wait_for_pause() == INTERVAL_SECONDS == 1 / 5
    for number in range(100):
        first(written(f"1b {number}"))
    second(written("2a"))
    rounds.end_pause()
    rounds.wait_for_pause()
    assert rounds.rounds == [["1a"], ["1b 99", "2a"]]


def test_an_unchanged_text_is_not_published_again() -> None:
    rounds = Rounds()
    on_progress = rounds.publisher.show(*make_call())
    for output in ({}, written("a"), {**written("a"), "unspoken_factors": []}, written("b")):
        on_progress(output)
        rounds.wait_for_pause()
        rounds.end_pause()
    assert rounds.rounds == [["a"], ["b"]]


@pytest.mark.parametrize("reason", ["returned", "cancelled"])
def test_the_text_of_a_call_that_has_ended_is_not_published(reason: str) -> None:
    rounds = Rounds()
    (ended, step, user), living = make_call(), rounds.publisher.show(*make_call())
    on_progress = rounds.publisher.show(ended, step, user)
    living(written("the first round"))
    rounds.wait_for_pause()
    on_progress(written("stale"))
    living(written("fresh"))
    if reason == "returned":
        ended.has_returned = True
    else:
        ended.cancelled.set()
    rounds.end_pause()
    rounds.wait_for_pause()
    assert rounds.rounds == [["the first round"], ["fresh"]]


def test_a_provider_never_waits_for_a_publication_that_hangs() -> None:
    is_hanging, answers, rounds = threading.Event(), threading.Event(), Rounds()

    def hang(texts: Sequence[ThoughtAgentProgress]) -> None:
        is_hanging.set()
        assert answers.wait(20)
        rounds.rounds.append([text.text for text in texts])

    on_progress = PartialTextPublisher(hang).show(*make_call())
    on_progress(written("first"))
    assert is_hanging.wait(20)
    for number in range(1000):
        on_progress(written(f"number {number}"))
    answers.set()
    eventually(lambda: len(rounds.rounds) == 2)
    assert rounds.rounds == [["first"], ["number 999"]]


def test_the_calls_that_wait_for_a_round_are_bounded() -> None:
    rounds = Rounds()
    rounds.publisher.show(*make_call())(written("the first round"))
    rounds.wait_for_pause()
    for number in range(MAX_CALLS + 10):
        rounds.publisher.show(*make_call())(written(str(number)))
    rounds.end_pause()
    rounds.wait_for_pause()
    assert len(rounds.rounds[1]) == MAX_CALLS


def test_an_output_that_cannot_be_read_is_logged_and_the_next_one_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(dict[str, Any]):
        def items(self) -> Any:
            raise RuntimeError("a provider's mistake")

    rounds = Rounds()
    on_progress = rounds.publisher.show(*make_call())
    on_progress(Broken())
    assert rounds.wait_for_pause() == PAUSE_SECONDS
    assert "the results are not affected" in caplog.text
    on_progress(written("fine"))
    rounds.end_pause()
    rounds.wait_for_pause()
    assert rounds.rounds == [["fine"]]


def test_a_provider_is_not_disturbed_when_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot_start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    rounds = Rounds()
    on_progress = rounds.publisher.show(*make_call())
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", cannot_start)
        on_progress(written("lost"))
    on_progress(written("shown"))
    rounds.wait_for_pause()
    assert rounds.rounds == [["shown"]]


# --- On a real Redis


def test_texts_are_dropped_while_redis_is_unavailable_and_shown_again_afterwards(
    settings: Settings, received: "queue.Queue[str]", caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    pauses: queue.Queue[float] = queue.Queue()
    with proxy_for(settings.redis_url) as proxy:
        on_progress = on_redis(proxy.proxied_url(settings.redis_url), settings, pauses).show(*make_call())
        on_progress(written("before"))
        assert '"before"' in received.get(timeout=20)
        assert pauses.get(timeout=20) == INTERVAL_SECONDS
        proxy.refuse()
        for text in ("lost 1", "lost 2", "lost 3"):
            on_progress(written(text))
            assert pauses.get(timeout=20) == PAUSE_SECONDS
        proxy.accept()
        on_progress(written("after"))
        assert '"after"' in received.get(timeout=20)
    assert caplog.text.count("Redis is unavailable") == 1, "one line per outage"
