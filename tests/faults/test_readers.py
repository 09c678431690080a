"""The reader of the call log."""

import json
from pathlib import Path

from tests.faults.readers import CallLog
from tests.faults.verification import Call


def line(event: str, call_id: str, at: float) -> str:
    """Return a line of a process whose time of day is wrong by an hour; the machine's monotonic clock began at 100."""
    entry = {"event": event, "thought_id": "t", "agent": "analysis", "call_id": call_id, "pid": 7}
    entry |= {"time": at + 3600, "monotonic": at - 100}
    return json.dumps(entry) + "\n"


def test_the_call_log_is_read_in_several_parts(tmp_path: Path) -> None:
    path = tmp_path / "calls"
    log = CallLog(path, 100)
    log.read_new()
    path.write_text(line("start", "a", 1) + line("start", "b", 2) + line("error", "a", 3) + line("end", "b", 4)[:20])
    log.read_new()
    assert log.calls["t", "analysis"] == [Call("a", 7, 1, "error"), Call("b", 7, 2)]
    with path.open("a") as file:
        file.write(line("end", "b", 4)[20:] + line("start", "c", 5))
    log.read_new()
    assert log.calls["t", "analysis"] == [Call("a", 7, 1, "error"), Call("b", 7, 2, "end"), Call("c", 7, 5)]
    assert log.errors == []


def test_an_end_without_a_start_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "calls"
    path.write_text(line("end", "a", 1) + line("start", "b", 2) + line("end", "b", 3) + line("end", "b", 4))
    log = CallLog(path, 100)
    log.read_new()
    assert len(log.errors) == 2
