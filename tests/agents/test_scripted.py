"""The scripted provider follows its directives, and logs every call."""

import json
import subprocess
import sys
import threading
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from agents.analysis import Analysis
from agents.catalogue import CATALOGUE
from agents.errors import AgentError, Cancelled, InvalidOutput, PermanentError, TransientError
from agents.interface import PartialOutput
from agents.readable_text import readable_text
from agents.scripted.call_log import CallLog
from agents.scripted.provider import CRASH_STATUS, ScriptedProvider
from agents.scripted.samples import EXPLANATION, sample
from tests.agents.calls import make_context, make_input, run_all_agents
from tests.eventually import eventually

CRASHING_PROGRAM = """
import sys, threading
from agents.interface import AgentInput
from agents.interface import CallContext
from agents.scripted.call_log import CallLog
from agents.scripted.provider import ScriptedProvider
provider = ScriptedProvider(600_000, CallLog(sys.argv[1]))
agent_input = AgentInput("a-thought", "a-user", "[[fail:analysis:crash:1]]")
context = CallContext("a-call", 1, 60, threading.Event(), "a-key")
call = threading.Thread(target=provider.run, args=("analysis", agent_input, context))
call.start()
call.join()
"""

MEMORY_LIMITED_PROGRAM = """
import resource, sys, threading
from agents.interface import AgentInput
from agents.interface import CallContext
from agents.scripted.call_log import CallLog
from agents.scripted.provider import ScriptedProvider
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
provider = ScriptedProvider(0, CallLog(sys.argv[1]))
agent_input = AgentInput("a-thought", "a-user", "[[fail:analysis:memory:1]]")
try:
    provider.run("analysis", agent_input, CallContext("a-call", 1, 60, threading.Event(), "a-key"))
except MemoryError as error:
    provider.run("analysis", agent_input, CallContext("another-call", 2, 60, threading.Event(), "a-key"))
    print(f"{type(error).__name__}, then completed")
"""
"""A process with a memory limit of 1 GiB, like a container."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "calls.jsonl"


@pytest.fixture
def provider(path: Path) -> ScriptedProvider:
    return ScriptedProvider(0, CallLog(str(path)))


def logged_events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def logged_names(path: Path) -> list[str]:
    return [event["event"] for event in logged_events(path)]


def outcome(provider: ScriptedProvider, text: str, attempt: int = 1, agent_name: str = "analysis") -> str:
    try:
        provider.run(agent_name, make_input(text), make_context(attempt))
    except AgentError as error:
        return type(error).__name__
    return "completed"


def test_all_agents_return_valid_results_that_depend_only_on_the_text(provider: ScriptedProvider) -> None:
    assert run_all_agents(provider, "One text") == run_all_agents(provider, "One text")
    assert run_all_agents(provider, "One text") != run_all_agents(provider, "Another text")
    assert tuple(run_all_agents(provider, "\ud800\x00")) == CATALOGUE.names


def test_a_call_is_logged_when_it_starts_and_when_it_ends(provider: ScriptedProvider, path: Path) -> None:
    before = time.time()
    context = make_context(attempt=3)
    provider.run("value_impact", make_input(thought_id="t-1"), context)
    start, end = logged_events(path)
    assert list(start) == ["event", "thought_id", "agent", "attempt", "call_id", "pid", "time", "monotonic"]
    assert (start["event"], end["event"]) == ("start", "end")
    assert (start["thought_id"], start["agent"], start["attempt"]) == ("t-1", "value_impact", 3)
    assert start["call_id"] == end["call_id"] == context.call_id
    assert before <= start["time"] <= end["time"] <= time.time()


def test_a_failure_is_logged_as_an_error(provider: ScriptedProvider, path: Path) -> None:
    assert outcome(provider, "[[fail:analysis:permanent:*]]") == "PermanentError"
    assert logged_names(path) == ["start", "error"]


def test_a_fail_directive_counts_earlier_calls_and_not_attempts(provider: ScriptedProvider) -> None:
    text = "[[fail:analysis:transient:2]]"
    assert [outcome(provider, text, attempt=1) for _ in range(3)] == ["TransientError", "TransientError", "completed"]


def test_a_fail_directive_counts_calls_of_other_workers(path: Path) -> None:
    text = "[[fail:analysis:transient:1]][[fail:analysis:permanent:1]]"
    workers = [ScriptedProvider(0, CallLog(str(path))) for _ in range(3)]
    assert [outcome(worker, text) for worker in workers] == ["TransientError", "PermanentError", "completed"]


def test_a_fail_directive_does_not_affect_other_agents(provider: ScriptedProvider) -> None:
    text = "[[fail:analysis:transient:1]][[fail:priority:permanent:1]]"
    assert outcome(provider, text, agent_name="classification") == "completed"
    assert outcome(provider, text, agent_name="priority") == "PermanentError"
    assert outcome(provider, text, agent_name="analysis") == "TransientError"


def test_a_fail_directive_counts_attempts_without_a_call_log() -> None:
    provider = ScriptedProvider(0, None)
    text = "[[fail:analysis:transient:2]]"
    assert [outcome(provider, text, attempt) for attempt in (1, 2, 3)] == [
        "TransientError",
        "TransientError",
        "completed",
    ]


@pytest.mark.parametrize("agent_name", CATALOGUE.names)
def test_nonsense_is_rejected_by_the_agents_model_and_can_be_retried(
    provider: ScriptedProvider, path: Path, agent_name: str
) -> None:
    with pytest.raises(InvalidOutput, match="is not valid at"):
        provider.run(agent_name, make_input(f"[[fail:{agent_name}:nonsense:1]]"), make_context())
    assert logged_names(path) == ["start", "error"]
    assert outcome(provider, f"[[fail:{agent_name}:nonsense:1]]", agent_name=agent_name) == "completed"


def test_a_call_that_exhausts_memory_raises_memory_error_and_frees_the_memory(path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-c", MEMORY_LIMITED_PROGRAM, path], capture_output=True, text=True, timeout=60, check=False
    )
    assert (process.returncode, process.stdout) == (0, "MemoryError, then completed\n"), process.stderr
    assert logged_names(path) == ["start", "error", "start", "end"]


def test_a_crash_ends_the_process_and_leaves_its_call_without_an_end(path: Path) -> None:
    process = subprocess.run([sys.executable, "-c", CRASHING_PROGRAM, path], timeout=60, check=False)
    assert process.returncode == CRASH_STATUS
    assert logged_names(path) == ["start"]


def test_the_call_after_a_crash_succeeds_in_another_process(path: Path, provider: ScriptedProvider) -> None:
    subprocess.run([sys.executable, "-c", CRASHING_PROGRAM, path], timeout=60, check=False)
    assert outcome(provider, "[[fail:analysis:crash:1]]") == "completed"


def test_a_hanging_call_ignores_its_fence_and_its_deadline(provider: ScriptedProvider, path: Path) -> None:
    context = make_context(deadline_seconds=0.01)
    agent_input = make_input("[[fail:analysis:hang:1]]")
    call = threading.Thread(target=provider.run, args=("analysis", agent_input, context), daemon=True)
    call.start()
    eventually(lambda: logged_names(path) == ["start"])
    context.cancelled.set()
    call.join(timeout=0.3)
    assert call.is_alive()
    assert logged_names(path) == ["start"]


def test_a_fenced_call_ends_immediately_and_is_logged(path: Path) -> None:
    provider = ScriptedProvider(600_000, CallLog(str(path)))
    context = make_context(deadline_seconds=600)
    errors: list[str] = []

    def run() -> None:
        try:
            provider.run("analysis", make_input(), context)
        except Cancelled as error:
            errors.append(type(error).__name__)

    call = threading.Thread(target=run, daemon=True)
    call.start()
    eventually(lambda: logged_names(path) == ["start"])
    context.cancelled.set()
    call.join(timeout=30)
    assert errors == ["Cancelled"]
    assert logged_names(path) == ["start", "error"]


def test_a_call_that_is_fenced_before_its_start_is_not_logged(provider: ScriptedProvider, path: Path) -> None:
    context = make_context()
    context.cancelled.set()
    with pytest.raises(Cancelled):
        provider.run("analysis", make_input(), context)
    assert logged_events(path) == []


def test_a_delay_beyond_the_deadline_is_a_transient_error(path: Path) -> None:
    provider = ScriptedProvider(600_000, CallLog(str(path)))
    with pytest.raises(TransientError, match=r"no answer within 0.01 s"):
        provider.run("analysis", make_input(), make_context(deadline_seconds=0.01))
    assert logged_names(path) == ["start", "error"]


def test_the_delay_precedes_an_answer_and_a_failure(path: Path) -> None:
    provider = ScriptedProvider(30, CallLog(str(path)))
    for text in ("Hello", "[[fail:analysis:transient:*]]"):
        outcome(provider, text)
        start, end = logged_events(path)[-2:]
        assert end["time"] - start["time"] >= 0.025


def test_a_delay_directive_replaces_the_default_delay_of_its_agent(path: Path) -> None:
    provider = ScriptedProvider(600_000, CallLog(str(path)))
    assert outcome(provider, "[[delay:analysis:0]]") == "completed"


def test_a_call_log_that_cannot_be_written_is_a_transient_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    provider = ScriptedProvider(0, CallLog(str(tmp_path / "file" / "calls.jsonl")))
    with pytest.raises(TransientError, match="SCRIPTED_CALL_LOG"):
        provider.run("analysis", make_input(), make_context())


def test_an_unknown_agent_is_a_permanent_error_and_is_not_logged(provider: ScriptedProvider, path: Path) -> None:
    with pytest.raises(PermanentError, match="there is no agent 'oracle'"):
        provider.run("oracle", make_input(), make_context())
    assert logged_events(path) == []


def test_a_call_writes_growing_beginnings_of_its_answer(provider: ScriptedProvider) -> None:
    written: list[PartialOutput] = []
    context = replace(make_context(), on_progress=written.append)
    result = provider.run("analysis", make_input("[[write:analysis:1000]]"), context)
    texts = [readable_text(Analysis, partial) for partial in written]
    assert len(written) == 5
    assert written[-1] == sample(Analysis, "[[write:analysis:1000]]")
    assert all(len(earlier) < len(later) for earlier, later in pairwise(texts[:3]))
    assert result.output.model_dump(mode="json")["opportunity_cost"] == EXPLANATION


def test_a_call_that_writes_can_fail_afterwards_and_ends_when_it_is_fenced(provider: ScriptedProvider) -> None:
    written: list[PartialOutput] = []
    context = replace(make_context(), on_progress=written.append)
    with pytest.raises(TransientError):
        provider.run("analysis", make_input("[[write:analysis:1]][[fail:analysis:transient:1]]"), context)
    assert len(written) == 1
    fenced = replace(make_context(), on_progress=lambda _: fenced.cancelled.set())
    with pytest.raises(Cancelled):
        provider.run("analysis", make_input("[[write:analysis:600000]]"), fenced)
