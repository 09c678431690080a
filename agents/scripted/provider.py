"""Provides scripted agents: a call waits, then returns a made-up result or fails as the thought's directives say."""

import json
import os
import threading
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import ceil
from typing import Any, Final, Never

from pydantic_core import from_json

from agents.catalogue import CATALOGUE
from agents.errors import AgentError, Cancelled, PermanentError, TransientError
from agents.interface import AgentInput, AgentResult, CallContext
from agents.output import AgentOutput, Validated, validate_output
from agents.scripted.call_log import CallLog
from agents.scripted.directives import Failure, Script, read_script
from agents.scripted.samples import sample

CRASH_STATUS = 137
"""The exit status of a crash, the same as after SIGKILL."""

VERSION: Final = "2"
"""Increment it with every change of the samples, because it is stored with each result."""

NONSENSE: Final = {"answer": "Scripted: colourless green ideas sleep furiously."}
"""An answer that no agent's model accepts."""

PIECE_MS: Final = 200
"""How often a call that writes reports what it has written, as a model provider does."""


class ScriptedProvider:
    """Answers after `delay_ms`, or after the delay of a directive. A crash, a hang and a MemoryError have no delay.

    Without a call log the attempt is used as the number of the call, so a replay counts from 1 again.
    """

    def __init__(self, delay_ms: int, log: CallLog | None) -> None:
        self._delay_ms = delay_ms
        self._log = log

    def identity(self) -> Mapping[str, Any]:
        return {"provider": "scripted", "version": VERSION}

    def models(self, agent_name: str) -> Sequence[str]:  # noqa: ARG002  the signature of all providers
        """Return no model, because no service is called."""
        return ()

    def check(self, model: str) -> None:
        """Do nothing, because no service is called."""

    def run(self, agent_name: str, agent_input: AgentInput, context: CallContext) -> AgentResult:
        if context.cancelled.is_set():
            raise Cancelled("fenced before the call began")
        model = CATALOGUE.named(agent_name).output
        self._log_event("start", agent_name, agent_input, context)
        try:
            output, dropped_claims = self._answer(model, agent_name, agent_input, context)
        except (AgentError, MemoryError):
            self._log_event("error", agent_name, agent_input, context)
            raise
        self._log_event("end", agent_name, agent_input, context)
        return AgentResult(
            output,
            "scripted",
            "scripted",
            VERSION,
            tokens_in=0,
            tokens_out=0,
            cost_usd=Decimal(0),
            dropped_claims=dropped_claims,
        )

    def _answer(
        self, model: type[AgentOutput], agent_name: str, agent_input: AgentInput, context: CallContext
    ) -> Validated[AgentOutput]:
        script = read_script(agent_input.text, agent_name)
        failure = self._next_failure(script, agent_name, agent_input, context)
        _fail_without_delay(failure)
        _wait(self._delay_ms if script.delay_ms is None else script.delay_ms, context)
        answer = NONSENSE if failure == "nonsense" else sample(model, agent_input.text)
        if script.write_ms:
            _write(answer, script.write_ms, context)
        _fail(failure)
        return validate_output(model, answer, agent_input)

    def _next_failure(
        self, script: Script, agent_name: str, agent_input: AgentInput, context: CallContext
    ) -> Failure | None:
        if not script.failures:
            return None
        return script.failure_of(self._call_number(agent_name, agent_input, context))

    def _call_number(self, agent_name: str, agent_input: AgentInput, context: CallContext) -> int:
        if self._log is None:
            return context.attempt
        try:
            return self._log.start_number(str(agent_input.thought_id), agent_name, str(context.call_id))
        except OSError as error:
            raise _call_log_error(error) from error

    def _log_event(self, event: str, agent_name: str, agent_input: AgentInput, context: CallContext) -> None:
        if self._log is None:
            return
        try:
            self._log.append(_line(event, agent_name, agent_input, context))
        except OSError as error:
            raise _call_log_error(error) from error


def _line(event: str, agent_name: str, agent_input: AgentInput, context: CallContext) -> dict[str, object]:
    return {
        "event": event,
        "thought_id": str(agent_input.thought_id),
        "agent": agent_name,
        "attempt": context.attempt,
        "call_id": str(context.call_id),
        "pid": os.getpid(),
        "time": time.time(),
        "monotonic": time.monotonic(),
    }


def _call_log_error(error: OSError) -> TransientError:
    return TransientError(f"SCRIPTED_CALL_LOG cannot be written; free disk space or correct the path: {error}")


def _wait(delay_ms: int, context: CallContext) -> None:
    """Wait as for a model's answer. Raises Cancelled as soon as the call is fenced, TransientError at the deadline."""
    seconds = delay_ms / 1000
    if seconds > 0 and context.cancelled.wait(min(seconds, context.deadline_seconds)):
        raise Cancelled("fenced during the call")
    if seconds > context.deadline_seconds:
        raise TransientError(f"no answer within {context.deadline_seconds:g} s")


def _write(answer: Mapping[str, Any], duration_ms: int, context: CallContext) -> None:
    """Report growing beginnings of the answer for the duration. Raises as `_wait` does."""
    text, pieces = json.dumps(answer), max(1, duration_ms // PIECE_MS)
    for piece in range(1, pieces + 1):
        beginning = text[: ceil(len(text) * piece / pieces)]
        context.on_progress(from_json(beginning, allow_partial="trailing-strings"))
        _wait(duration_ms // pieces, context)


def _fail_without_delay(failure: Failure | None) -> None:
    if failure == "crash":
        os._exit(CRASH_STATUS)
    if failure == "hang":
        _hang()
    if failure == "memory":
        _exhaust_memory()


def _fail(failure: Failure | None) -> None:
    if failure == "transient":
        raise TransientError("scripted: transient failure, as the thought's directive says")
    if failure == "permanent":
        raise PermanentError("scripted: permanent failure, as the thought's directive says")


def _hang() -> Never:
    """Block the thread until the process ends, ignoring the fence and the deadline."""
    while True:
        threading.Event().wait()


def _exhaust_memory() -> Never:
    """Allocate blocks of memory, each twice as large as the previous one, until it fails. Raises MemoryError.

    The blocks are never written to, so the process reaches its own limit and not the machine's.
    """
    blocks, size = list[bytes](), 1 << 20
    while True:
        blocks.append(bytes(size))
        size *= 2
