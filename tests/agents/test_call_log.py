"""The call log: lines of several processes stay whole, and every start line gets its number."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agents.scripted.call_log import CallLog

APPENDING_PROGRAM = """
import sys
from agents.scripted.call_log import CallLog
log = CallLog(sys.argv[1])
for n in range(int(sys.argv[3])):
    event = {"event": "start", "thought_id": "shared", "agent": "analysis", "call_id": f"{sys.argv[2]}-{n}"}
    log.append({**event, "pad": "x" * n})
"""


def start_event(call_id: str, thought_id: str = "a-thought", agent: str = "analysis") -> dict[str, object]:
    return {"event": "start", "thought_id": thought_id, "agent": agent, "call_id": call_id}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "calls.jsonl"


@pytest.fixture
def log(path: Path) -> CallLog:
    return CallLog(str(path))


def test_lines_of_several_processes_stay_whole(path: Path, log: CallLog) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", APPENDING_PROGRAM, path, str(n), "300"]) for n in range(4)]
    assert [writer.wait(timeout=60) for writer in writers] == [0] * 4
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert {line["call_id"] for line in lines} == {f"{writer}-{n}" for writer in range(4) for n in range(300)}
    assert len(lines) == 1200
    numbers = {log.start_number("shared", "analysis", line["call_id"]) for line in lines}
    assert numbers == set(range(1, 1201))


def test_each_thread_gets_its_own_number(log: CallLog) -> None:
    def append_and_count(n: int) -> int:
        log.append(start_event(f"call-{n}"))
        return log.start_number("a-thought", "analysis", f"call-{n}")

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(append_and_count, range(200))) == list(range(1, 201))


def test_threads_that_index_a_long_log_together_count_each_line_once(log: CallLog, path: Path) -> None:
    lines = [json.dumps(start_event(str(n), thought_id=f"thought-{n % 2}")) for n in range(20_000)]
    path.write_text("\n".join(lines) + "\n")
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: log.start_number("thought-1", "analysis", "19999"), range(8)))
    assert numbers == [10_000] * 8


def test_start_number_counts_only_starts_of_the_thought_and_agent(log: CallLog) -> None:
    log.append(start_event("1"))
    log.append({**start_event("1"), "event": "error"})
    log.append(start_event("2", thought_id="another"))
    log.append(start_event("3", agent="priority"))
    log.append(start_event("4"))
    assert log.start_number("a-thought", "analysis", "4") == 2


def test_start_number_is_right_for_a_thought_named_like_an_event(log: CallLog) -> None:
    log.append({**start_event("1", thought_id="start"), "event": "end"})
    log.append(start_event("2", thought_id="start"))
    assert log.start_number("start", "analysis", "2") == 1


def test_start_number_includes_starts_of_other_processes(log: CallLog, path: Path) -> None:
    other = CallLog(str(path))
    for n in range(1, 4):
        log.append(start_event(f"own-{n}"))
        assert log.start_number("a-thought", "analysis", f"own-{n}") == 2 * n - 1
        other.append(start_event(f"other-{n}"))
        assert other.start_number("a-thought", "analysis", f"other-{n}") == 2 * n


def test_each_event_is_written_with_a_single_write(log: CallLog, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    written: list[bytes] = []
    write = os.write

    def recording_write(file: int, data: bytes) -> int:
        written.append(data)
        return write(file, data)

    monkeypatch.setattr(os, "write", recording_write)
    log.append(start_event("1"))
    log.append(start_event("2"))
    assert written == path.read_bytes().splitlines(keepends=True)


def test_a_deleted_log_is_created_again_and_counted_from_one(log: CallLog, path: Path) -> None:
    log.append(start_event("1"))
    assert log.start_number("a-thought", "analysis", "1") == 1
    path.unlink()
    log.append(start_event("2"))
    assert log.start_number("a-thought", "analysis", "2") == 1
    assert len(path.read_text().splitlines()) == 1


def test_nothing_is_appended_to_a_rotated_log(log: CallLog, path: Path) -> None:
    log.append(start_event("1"))
    path.rename(path.with_suffix(".old"))
    log.append(start_event("2"))
    assert [json.loads(line)["call_id"] for line in path.read_text().splitlines()] == ["2"]


def test_a_deleted_folder_is_created_again_with_the_log(tmp_path: Path) -> None:
    log = CallLog(str(tmp_path / "deep" / "calls.jsonl"))
    log.append(start_event("1"))
    (tmp_path / "deep" / "calls.jsonl").unlink()
    (tmp_path / "deep").rmdir()
    log.append(start_event("2"))
    assert (tmp_path / "deep" / "calls.jsonl").exists()


def test_an_emptied_log_is_counted_from_one_even_when_it_has_outgrown_its_old_size(log: CallLog, path: Path) -> None:
    log.append(start_event("before", thought_id="another"))
    assert log.start_number("another", "analysis", "before") == 1
    path.write_bytes(b"")
    for n in range(5):
        log.append(start_event(f"after-{n}"))
    assert log.start_number("a-thought", "analysis", "after-4") == 5


def test_an_incomplete_line_is_counted_when_it_is_complete(log: CallLog, path: Path) -> None:
    line = json.dumps(start_event("slow")).encode() + b"\n"
    log.append(start_event("1"))
    with path.open("ab") as other:
        other.write(line[:20])
        other.flush()
        assert log.start_number("a-thought", "analysis", "1") == 1
        other.write(line[20:])
    log.append(start_event("3"))
    assert log.start_number("a-thought", "analysis", "3") == 3


def test_lines_that_are_no_events_are_ignored(log: CallLog, path: Path) -> None:
    path.write_bytes(b'not json "start"\n["start"]\n\xff\xfe "start"\n\n')
    log.append(start_event("1"))
    assert log.start_number("a-thought", "analysis", "1") == 1


def test_start_number_reads_only_the_new_lines(log: CallLog, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(2000):
        log.append(start_event(str(n), thought_id=f"thought-{n}"))
    log.start_number("thought-1", "analysis", "1")
    sizes: list[int] = []
    pread = os.pread

    def recording_pread(file: int, size: int, offset: int) -> bytes:
        data = pread(file, size, offset)
        sizes.append(len(data))
        return data

    monkeypatch.setattr(os, "pread", recording_pread)
    log.append(start_event("last"))
    log.start_number("a-thought", "analysis", "last")
    assert sum(sizes) < 2000
