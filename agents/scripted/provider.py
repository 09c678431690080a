"""The scripted provider: waits, then returns a made-up result or fails as the thought's directives say."""

import os
import threading
import time
from decimal import Decimal
from typing import Final, Never

from agents.catalogue import CATALOGUE
from agents.errors import AgentError, Cancelled, PermanentError, TransientError
from agents.interface import AgentInput, AgentResult, CallContext
from agents.output import AgentOutput, validate_output
from agents.scripted.call_log import CallLog
from agents.scripted.directives import Failure, Script, read_script
from agents.scripted.samples import sample

CRASH_STATUS = 137
"""The exit status of a crash, as if the process had been killed with SIGKILL."""

NONSENSE: Final = {"answer": "Scripted: colourless green ideas sleep furiously."}
"""No agent's model takes it."""


class ScriptedProvider:
    """Waits `delay_ms`, or the directive's delay in its place. A crash, a hang and want of memory come at once.

    Without a call log the attempt stands in for the number of the call, so a replay counts from 1 again.
    """

    def __init__(self, delay_ms: int, log: CallLog | None) -> None:
        self._delay_ms = delay_ms
        self._log = log

    def run(self, agent_name: str, given: AgentInput, context: CallContext) -> AgentResult:
        if context.cancelled.is_set():
            raise Cancelled("fenced before the call began")
        model = CATALOGUE.named(agent_name).output
        self._note("start", agent_name, given, context)
        try:
            output = self._play(model, agent_name, given, context)
        except (AgentError, MemoryError):
            self._note("error", agent_name, given, context)
            raise
        self._note("end", agent_name, given, context)
        return AgentResult(output, "scripted", "scripted", "1", tokens_in=0, tokens_out=0, cost_usd=Decimal(0))

    def _play(self, model: type[AgentOutput], agent_name: str, given: AgentInput, context: CallContext) -> AgentOutput:
        script = read_script(given.text, agent_name)
        failure = self._failure(script, agent_name, given, context)
        _fail_at_once(failure)
        _wait(self._delay_ms if script.delay_ms is None else script.delay_ms, context)
        _fail(failure)
        return validate_output(model, NONSENSE if failure == "nonsense" else sample(model, given.text), given)

    def _failure(self, script: Script, agent_name: str, given: AgentInput, context: CallContext) -> Failure | None:
        if not script.fails:
            return None
        return script.failure_of(self._call_number(agent_name, given, context))

    def _call_number(self, agent_name: str, given: AgentInput, context: CallContext) -> int:
        if self._log is None:
            return context.attempt
        try:
            return self._log.start_number(str(given.thought_id), agent_name, str(context.call_id))
        except OSError as error:
            raise _log_trouble(error) from error

    def _note(self, event: str, agent_name: str, given: AgentInput, context: CallContext) -> None:
        if self._log is None:
            return
        try:
            self._log.append(_line(event, agent_name, given, context))
        except OSError as error:
            raise _log_trouble(error) from error


def _line(event: str, agent_name: str, given: AgentInput, context: CallContext) -> dict[str, object]:
    return {
        "event": event,
        "thought_id": str(given.thought_id),
        "agent": agent_name,
        "attempt": context.attempt,
        "call_id": str(context.call_id),
        "pid": os.getpid(),
        "time": time.time(),
    }


def _log_trouble(error: OSError) -> TransientError:
    return TransientError(f"SCRIPTED_CALL_LOG cannot be used, free its disk or correct its path: {error}")


def _wait(delay_ms: int, context: CallContext) -> None:
    """Stay for the delay as a model's answer would. Raises Cancelled at once when fenced, and keeps the deadline."""
    seconds = delay_ms / 1000
    if seconds > 0 and context.cancelled.wait(min(seconds, context.deadline_seconds)):
        raise Cancelled("fenced during the call")
    if seconds > context.deadline_seconds:
        raise TransientError(f"no answer within {context.deadline_seconds:g} s")


def _fail_at_once(failure: Failure | None) -> None:
    if failure == "crash":
        os._exit(CRASH_STATUS)
    if failure == "hang":
        _hang()
    if failure == "memory":
        _exhaust()


def _fail(failure: Failure | None) -> None:
    if failure == "transient":
        raise TransientError("scripted: transient failure, as the thought demands")
    if failure == "permanent":
        raise PermanentError("scripted: permanent failure, as the thought demands")


def _hang() -> Never:
    """A wedged thread: deaf to the fence and to the deadline, until the process ends."""
    while True:
        threading.Event().wait()


def _exhaust() -> Never:
    """Ask for pieces of memory, each twice the one before, until there is none. Raises MemoryError.

    The pieces are never written to, so that only the process's bound is reached and not the machine's.
    """
    taken, size = list[bytes](), 1 << 20
    while True:
        taken.append(bytes(size))
        size *= 2
