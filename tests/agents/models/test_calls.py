"""Calls run beside each other in one event loop, stop when they are fenced, and show their progress."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest

from agents.errors import AgentError, Cancelled, ServiceError, TransientError
from agents.interface import PartialOutput
from tests.agents.calls import make_context, make_input
from tests.agents.models.failing import BY_WIRE, WATCHED, watch
from tests.agents.models.fake_service import Reply, Request, fake_service, never_ending
from tests.agents.models.providers import asked_fields, model_provider, run_once, valid_output, valid_text, writes
from tests.agents.models.wires import WIRES, Written
from tests.eventually import eventually
from tests.stores import ROOT

FORKING = """
import os, sys
from tests.agents.models.fake_service import fake_service
from tests.agents.models.providers import model_provider, valid_text, writes
from tests.agents.calls import make_context, make_input
from tests.agents.models.wires import WIRES, Written

with fake_service(writes(WIRES["openai"], Written(valid_text()))) as service:
    with model_provider("openai", service.url) as made:
        run = lambda: made.run("classification", make_input(), make_context(deadline_seconds=20))
        run()
        child = os.fork()
        if not child:
            run()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        run()
        print(os.waitstatus_to_exitcode(status), len(service.requests))
"""


@WATCHED
@pytest.mark.parametrize("provider", BY_WIRE)
def test_a_fenced_call_ends_and_its_connection_is_closed(provider: str, watched: bool) -> None:
    with fake_service(lambda _: never_ending(lambda: service, drip=b" ")) as service:
        context = make_context(on_progress=watch) if watched else make_context()
        with model_provider(provider, service.url) as made, ThreadPoolExecutor(1) as pool:
            call = pool.submit(made.run, "classification", make_input(), context)
            eventually(lambda: service.requests)
            context.cancelled.set()
            with pytest.raises(Cancelled):
                call.result(timeout=20)
            assert service.disconnected.wait(20)


def test_a_call_that_is_fenced_before_it_begins_sends_nothing() -> None:
    context = make_context()
    context.cancelled.set()
    with fake_service(writes(WIRES["openai"], Written(valid_text()))) as service:
        with model_provider("openai", service.url) as made, pytest.raises(Cancelled):
            made.run("classification", make_input(), context)
        assert service.requests == []


def test_no_call_is_lost_among_many_threads_in_several_rounds() -> None:
    threads, rounds = 40, 3
    with (
        fake_service(writes(WIRES["openai"], Written(valid_text()))) as service,
        model_provider("openai", service.url) as made,
        ThreadPoolExecutor(threads) as pool,
    ):
        for number in range(1, rounds + 1):
            barrier = threading.Barrier(threads)

            def call(_: int, barrier: threading.Barrier = barrier) -> str:
                barrier.wait(20)
                return made.run("classification", make_input(), make_context()).model

            assert len(list(pool.map(call, range(threads)))) == threads
            assert len(service.requests) == number * threads


def test_a_process_that_was_forked_after_a_call_can_make_calls() -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKING]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert process.stdout == "0 3\n", process.stderr


@pytest.mark.parametrize("provider", BY_WIRE)
def test_the_progress_grows_until_the_answer_is_complete(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.models.requests.PROGRESS_SECONDS", 0)
    seen: list[PartialOutput] = []
    with fake_service(writes(WIRES[provider], Written(valid_text("action_plan")))) as service:
        result = run_once(provider, service.url, "action_plan", on_progress=lambda partial: seen.append(dict(partial)))
    assert len(seen) > 3
    assert all(earlier != later for earlier, later in pairwise(seen))
    assert [len(partial) for partial in seen] == sorted(len(partial) for partial in seen)
    assert seen[-1] == asked_fields(result) == valid_output("action_plan")


def test_the_progress_of_a_tool_call_is_shown_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.models.requests.PROGRESS_SECONDS", 0)
    seen: list[PartialOutput] = []
    wire = WIRES["anthropic"]

    def answer(request: Request) -> Reply:
        if wire.mode(request) == "native":
            return wire.error(400, "no", "invalid_request_error")
        return wire.reply(request, Written(valid_text(), is_tool_call=True))

    with fake_service(answer) as service:
        run_once("anthropic", service.url, on_progress=lambda partial: seen.append(dict(partial)))
    assert seen[-1] == valid_output("classification")


def test_the_progress_is_reported_only_after_its_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an interval longer than the test, only what has arrived at the start is reported."""
    monkeypatch.setattr("agents.models.requests.PROGRESS_SECONDS", 3600)
    seen: list[PartialOutput] = []
    with fake_service(writes(WIRES["openai"], Written(valid_text("action_plan")))) as service:
        run_once("openai", service.url, "action_plan", on_progress=lambda partial: seen.append(dict(partial)))
    assert len(seen) <= 1


def test_a_text_that_is_no_json_shows_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.models.requests.PROGRESS_SECONDS", 0)
    seen: list[PartialOutput] = []
    with fake_service(writes(WIRES["openai"], Written("Well, {let me} think."))) as service, pytest.raises(AgentError):
        run_once("openai", service.url, on_progress=seen.append)
    assert seen == []


def test_an_error_of_whoever_watches_is_transient(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: PartialOutput) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("agents.models.requests.PROGRESS_SECONDS", 0)
    with fake_service(writes(WIRES["openai"], Written(valid_text()))) as service, pytest.raises(TransientError):
        run_once("openai", service.url, on_progress=fail)


def test_an_error_of_the_layer_itself_is_transient(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr("agents.models.provider.ServedModel", fail)
    with pytest.raises(TransientError, match=r"could not be called \(RuntimeError\)"):
        run_once("openai", "http://127.0.0.1:1")


def test_a_model_that_is_not_configured_is_refused_with_its_cure() -> None:
    with model_provider("openai", "http://127.0.0.1:1") as made, pytest.raises(ServiceError) as raised:
        made.run("classification", make_input(), make_context(model="openai:another"))
    assert raised.value.cause == "unknown_model"


def test_a_process_that_makes_no_call_starts_no_thread() -> None:
    before = threading.active_count()
    with model_provider("openai", "http://127.0.0.1:1") as made:
        made.models("priority")
        assert threading.active_count() == before


def test_a_server_without_a_usage_has_used_an_unknown_number_of_tokens() -> None:
    for provider in BY_WIRE:
        with fake_service(writes(WIRES[provider], Written(valid_text(), has_usage=False))) as service:
            result = run_once(provider, service.url)
        assert (result.tokens_in, result.tokens_out, result.cost_usd) == (None, None, None), provider


@pytest.mark.parametrize("text", ['{"ok": true}', "I am fine."])
def test_a_check_is_satisfied_with_any_answer(text: str) -> None:
    with (
        fake_service(writes(WIRES["openai"], Written(text))) as service,
        model_provider("openai", service.url) as made,
    ):
        made.check("openai:gpt-5-mini")
    assert len(service.requests) == 1


def test_a_check_of_something_that_is_no_model_service_fails() -> None:
    page = Reply(body=[b"<html></html>"], content_type="text/html")
    with (
        fake_service(lambda _: page) as service,
        model_provider("openai", service.url) as made,
        pytest.raises(ServiceError) as raised,
    ):
        made.check("openai:gpt-5-mini")
    assert raised.value.cause == "outage"
