import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from agents.catalogue import CATALOGUE
from agents.errors import AgentError, Cancelled, InvalidOutput, PermanentError, TransientError
from agents.scripted.call_log import CallLog
from agents.scripted.provider import CRASH_STATUS, ScriptedProvider
from tests.agents.calls import a_context, an_input, analyse
from tests.eventually import eventually

CRASHING = """
import sys, threading
from agents.interface import AgentInput
from agents.interface import CallContext
from agents.scripted.call_log import CallLog
from agents.scripted.provider import ScriptedProvider
provider = ScriptedProvider(600_000, CallLog(sys.argv[1]))
given = AgentInput("a-thought", "a-user", "[[fail:analysis:crash:1]]")
context = CallContext("a-call", 1, 60, threading.Event(), "a-key")
call = threading.Thread(target=provider.run, args=("analysis", given, context))
call.start()
call.join()
"""

STARVING = """
import resource, sys, threading
from agents.interface import AgentInput
from agents.interface import CallContext
from agents.scripted.call_log import CallLog
from agents.scripted.provider import ScriptedProvider
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
provider = ScriptedProvider(0, CallLog(sys.argv[1]))
given = AgentInput("a-thought", "a-user", "[[fail:analysis:memory:1]]")
try:
    provider.run("analysis", given, CallContext("a-call", 1, 60, threading.Event(), "a-key"))
except MemoryError as error:
    provider.run("analysis", given, CallContext("another-call", 2, 60, threading.Event(), "a-key"))
    print(f"{type(error).__name__}, then completed")
"""
"""A process that may have a gigabyte, as a container may."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "calls.jsonl"


@pytest.fixture
def provider(path: Path) -> ScriptedProvider:
    return ScriptedProvider(0, CallLog(str(path)))


def events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def names(path: Path) -> list[str]:
    return [event["event"] for event in events(path)]


def outcome(provider: ScriptedProvider, text: str, attempt: int = 1, agent_name: str = "analysis") -> str:
    try:
        provider.run(agent_name, an_input(text), a_context(attempt))
    except AgentError as error:
        return type(error).__name__
    return "completed"


def test_all_agents_return_valid_results_the_same_for_the_same_text(provider: ScriptedProvider) -> None:
    assert analyse(provider, "One text") == analyse(provider, "One text")
    assert analyse(provider, "One text") != analyse(provider, "Another text")
    assert tuple(analyse(provider, "\ud800\x00")) == CATALOGUE.names


def test_a_call_is_logged_when_it_begins_and_when_it_ends(provider: ScriptedProvider, path: Path) -> None:
    before = time.time()
    context = a_context(attempt=3)
    provider.run("value_impact", an_input(thought_id="t-1"), context)
    start, end = events(path)
    assert list(start) == ["event", "thought_id", "agent", "attempt", "call_id", "pid", "time"]
    assert (start["event"], end["event"]) == ("start", "end")
    assert (start["thought_id"], start["agent"], start["attempt"]) == ("t-1", "value_impact", 3)
    assert start["call_id"] == end["call_id"] == context.call_id
    assert before <= start["time"] <= end["time"] <= time.time()


def test_a_failure_is_logged_as_an_error(provider: ScriptedProvider, path: Path) -> None:
    assert outcome(provider, "[[fail:analysis:permanent:*]]") == "PermanentError"
    assert names(path) == ["start", "error"]


def test_failures_count_all_earlier_calls_and_not_the_attempt(provider: ScriptedProvider) -> None:
    text = "[[fail:analysis:transient:2]]"
    assert [outcome(provider, text, attempt=1) for _ in range(3)] == ["TransientError", "TransientError", "completed"]


def test_failures_count_the_calls_of_other_workers(path: Path) -> None:
    text = "[[fail:analysis:transient:1]][[fail:analysis:permanent:1]]"
    workers = [ScriptedProvider(0, CallLog(str(path))) for _ in range(3)]
    assert [outcome(worker, text) for worker in workers] == ["TransientError", "PermanentError", "completed"]


def test_failures_of_one_agent_do_not_touch_the_others(provider: ScriptedProvider) -> None:
    text = "[[fail:analysis:transient:1]][[fail:priority:permanent:1]]"
    assert outcome(provider, text, agent_name="classification") == "completed"
    assert outcome(provider, text, agent_name="priority") == "PermanentError"
    assert outcome(provider, text, agent_name="analysis") == "TransientError"


def test_without_a_log_the_attempt_is_the_number_of_the_call() -> None:
    provider = ScriptedProvider(0, None)
    text = "[[fail:analysis:transient:2]]"
    assert [outcome(provider, text, attempt) for attempt in (1, 2, 3)] == [
        "TransientError",
        "TransientError",
        "completed",
    ]


@pytest.mark.parametrize("agent_name", CATALOGUE.names)
def test_nonsense_is_refused_by_the_agents_own_model_and_may_be_retried(
    provider: ScriptedProvider, path: Path, agent_name: str
) -> None:
    with pytest.raises(InvalidOutput, match="is not valid at"):
        provider.run(agent_name, an_input(f"[[fail:{agent_name}:nonsense:1]]"), a_context())
    assert names(path) == ["start", "error"]
    assert outcome(provider, f"[[fail:{agent_name}:nonsense:1]]", agent_name=agent_name) == "completed"


def test_a_call_that_takes_all_memory_ends_with_cpythons_own_error_and_gives_it_back(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STARVING, path], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "MemoryError, then completed\n"), done.stderr
    assert names(path) == ["start", "error", "start", "end"]


def test_a_crash_ends_the_process_at_once_with_its_call_begun_and_not_ended(path: Path) -> None:
    process = subprocess.run([sys.executable, "-c", CRASHING, path], timeout=60, check=False)
    assert process.returncode == CRASH_STATUS
    assert names(path) == ["start"]


def test_the_call_after_a_crash_succeeds_in_another_process(path: Path, provider: ScriptedProvider) -> None:
    subprocess.run([sys.executable, "-c", CRASHING, path], timeout=60, check=False)
    assert outcome(provider, "[[fail:analysis:crash:1]]") == "completed"


def test_a_hang_is_deaf_to_the_fence_and_to_the_deadline(provider: ScriptedProvider, path: Path) -> None:
    context = a_context(deadline_seconds=0.01)
    given = an_input("[[fail:analysis:hang:1]]")
    call = threading.Thread(target=provider.run, args=("analysis", given, context), daemon=True)
    call.start()
    eventually(lambda: names(path) == ["start"])
    context.cancelled.set()
    call.join(timeout=0.3)
    assert call.is_alive()
    assert names(path) == ["start"]


def test_a_fenced_wait_ends_at_once_and_is_logged(path: Path) -> None:
    provider = ScriptedProvider(600_000, CallLog(str(path)))
    context = a_context(deadline_seconds=600)
    raised: list[str] = []

    def run() -> None:
        try:
            provider.run("analysis", an_input(), context)
        except Cancelled as error:
            raised.append(type(error).__name__)

    call = threading.Thread(target=run, daemon=True)
    call.start()
    eventually(lambda: names(path) == ["start"])
    context.cancelled.set()
    call.join(timeout=30)
    assert raised == ["Cancelled"]
    assert names(path) == ["start", "error"]


def test_a_call_fenced_before_it_began_is_not_paid_for(provider: ScriptedProvider, path: Path) -> None:
    context = a_context()
    context.cancelled.set()
    with pytest.raises(Cancelled):
        provider.run("analysis", an_input(), context)
    assert events(path) == []


def test_a_wait_past_the_deadline_is_a_transient_failure(path: Path) -> None:
    provider = ScriptedProvider(600_000, CallLog(str(path)))
    with pytest.raises(TransientError, match=r"no answer within 0.01 s"):
        provider.run("analysis", an_input(), a_context(deadline_seconds=0.01))
    assert names(path) == ["start", "error"]


def test_the_delay_is_waited_before_the_answer_and_before_a_failure(path: Path) -> None:
    provider = ScriptedProvider(30, CallLog(str(path)))
    for text in ("Hello", "[[fail:analysis:transient:*]]"):
        outcome(provider, text)
        start, end = events(path)[-2:]
        assert end["time"] - start["time"] >= 0.025


def test_a_delay_directive_stands_in_for_the_usual_delay_of_its_agent(path: Path) -> None:
    provider = ScriptedProvider(600_000, CallLog(str(path)))
    assert outcome(provider, "[[delay:analysis:0]]") == "completed"


def test_a_log_that_cannot_be_written_is_told_and_may_be_retried(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    provider = ScriptedProvider(0, CallLog(str(tmp_path / "file" / "calls.jsonl")))
    with pytest.raises(TransientError, match="SCRIPTED_CALL_LOG"):
        provider.run("analysis", an_input(), a_context())


def test_an_unknown_agent_is_a_permanent_error_and_no_call(provider: ScriptedProvider, path: Path) -> None:
    with pytest.raises(PermanentError, match="there is no agent 'oracle'"):
        provider.run("oracle", an_input(), a_context())
    assert events(path) == []
