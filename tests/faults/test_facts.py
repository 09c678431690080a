"""What is read of the call log: who called, and how it ended."""

import json
from pathlib import Path

from tests.faults.facts import CallLog
from tests.faults.verdicts import Call


def line(event: str, call: str, at: float) -> str:
    told = {"event": event, "thought_id": "t", "agent": "analysis", "call_id": call, "pid": 7, "time": at}
    return json.dumps(told) + "\n"


def test_each_call_is_read_with_its_end_over_several_looks(tmp_path: Path) -> None:
    path = tmp_path / "calls"
    log = CallLog(path)
    log.read_on()
    path.write_text(line("start", "a", 1) + line("start", "b", 2) + line("error", "a", 3) + line("end", "b", 4)[:20])
    log.read_on()
    assert log.calls["t", "analysis"] == [Call("a", 7, 1, "error"), Call("b", 7, 2)]
    with path.open("a") as more:
        more.write(line("end", "b", 4)[20:] + line("start", "c", 5))
    log.read_on()
    assert log.calls["t", "analysis"] == [Call("a", 7, 1, "error"), Call("b", 7, 2, "end"), Call("c", 7, 5)]
    assert log.strange == []


def test_an_end_without_a_beginning_is_strange(tmp_path: Path) -> None:
    path = tmp_path / "calls"
    path.write_text(line("end", "a", 1) + line("start", "b", 2) + line("end", "b", 3) + line("end", "b", 4))
    log = CallLog(path)
    log.read_on()
    assert len(log.strange) == 2
