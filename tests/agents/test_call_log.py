import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agents.scripted.call_log import CallLog

APPENDING = """
import sys
from agents.scripted.call_log import CallLog
log = CallLog(sys.argv[1])
for n in range(int(sys.argv[3])):
    event = {"event": "start", "thought_id": "shared", "agent": "analysis", "call_id": f"{sys.argv[2]}-{n}"}
    log.append({**event, "pad": "x" * n})
"""


def start(call_id: str, thought_id: str = "a-thought", agent: str = "analysis") -> dict[str, object]:
    return {"event": "start", "thought_id": thought_id, "agent": agent, "call_id": call_id}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "calls.jsonl"


@pytest.fixture
def log(path: Path) -> CallLog:
    return CallLog(str(path))


def test_many_processes_never_tear_a_line(path: Path, log: CallLog) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", APPENDING, path, str(n), "300"]) for n in range(4)]
    assert [writer.wait(timeout=60) for writer in writers] == [0] * 4
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert {line["call_id"] for line in lines} == {f"{writer}-{n}" for writer in range(4) for n in range(300)}
    assert len(lines) == 1200
    numbers = {log.start_number("shared", "analysis", line["call_id"]) for line in lines}
    assert numbers == set(range(1, 1201))


def test_many_threads_get_numbers_of_their_own(log: CallLog) -> None:
    def begin(n: int) -> int:
        log.append(start(f"call-{n}"))
        return log.start_number("a-thought", "analysis", f"call-{n}")

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(begin, range(200))) == list(range(1, 201))


def test_threads_that_read_a_long_log_together_count_it_once(log: CallLog, path: Path) -> None:
    lines = [json.dumps(start(str(n), thought_id=f"thought-{n % 2}")) for n in range(20_000)]
    path.write_text("\n".join(lines) + "\n")
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: log.start_number("thought-1", "analysis", "19999"), range(8)))
    assert numbers == [10_000] * 8


def test_only_starts_of_the_thought_and_agent_are_counted(log: CallLog) -> None:
    log.append(start("1"))
    log.append({**start("1"), "event": "error"})
    log.append(start("2", thought_id="another"))
    log.append(start("3", agent="priority"))
    log.append(start("4"))
    assert log.start_number("a-thought", "analysis", "4") == 2


def test_a_thought_with_the_name_of_an_event_is_counted_right(log: CallLog) -> None:
    log.append({**start("1", thought_id="start"), "event": "end"})
    log.append(start("2", thought_id="start"))
    assert log.start_number("start", "analysis", "2") == 1


def test_the_starts_of_other_processes_are_counted_as_they_come(log: CallLog, path: Path) -> None:
    other = CallLog(str(path))
    for n in range(1, 4):
        log.append(start(f"mine-{n}"))
        assert log.start_number("a-thought", "analysis", f"mine-{n}") == 2 * n - 1
        other.append(start(f"other-{n}"))
        assert other.start_number("a-thought", "analysis", f"other-{n}") == 2 * n


def test_each_event_is_written_with_one_append(log: CallLog, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    written: list[bytes] = []
    write = os.write

    def watched(file: int, data: bytes) -> int:
        written.append(data)
        return write(file, data)

    monkeypatch.setattr(os, "write", watched)
    log.append(start("1"))
    log.append(start("2"))
    assert written == path.read_bytes().splitlines(keepends=True)


def test_a_deleted_log_is_made_again_and_counted_from_nothing(log: CallLog, path: Path) -> None:
    log.append(start("1"))
    assert log.start_number("a-thought", "analysis", "1") == 1
    path.unlink()
    log.append(start("2"))
    assert log.start_number("a-thought", "analysis", "2") == 1
    assert len(path.read_text().splitlines()) == 1


def test_a_rotated_log_is_left_to_whoever_moved_it(log: CallLog, path: Path) -> None:
    log.append(start("1"))
    path.rename(path.with_suffix(".old"))
    log.append(start("2"))
    assert [json.loads(line)["call_id"] for line in path.read_text().splitlines()] == ["2"]


def test_a_folder_deleted_with_its_log_is_made_again(tmp_path: Path) -> None:
    log = CallLog(str(tmp_path / "deep" / "calls.jsonl"))
    log.append(start("1"))
    (tmp_path / "deep" / "calls.jsonl").unlink()
    (tmp_path / "deep").rmdir()
    log.append(start("2"))
    assert (tmp_path / "deep" / "calls.jsonl").exists()


def test_an_emptied_log_is_counted_anew_even_when_it_has_grown_past_the_old_end(log: CallLog, path: Path) -> None:
    log.append(start("before", thought_id="another"))
    assert log.start_number("another", "analysis", "before") == 1
    path.write_bytes(b"")
    for n in range(5):
        log.append(start(f"after-{n}"))
    assert log.start_number("a-thought", "analysis", "after-4") == 5


def test_a_line_without_its_end_is_counted_once_it_is_whole(log: CallLog, path: Path) -> None:
    whole = json.dumps(start("slow")).encode() + b"\n"
    log.append(start("1"))
    with path.open("ab") as other:
        other.write(whole[:20])
        other.flush()
        assert log.start_number("a-thought", "analysis", "1") == 1
        other.write(whole[20:])
    log.append(start("3"))
    assert log.start_number("a-thought", "analysis", "3") == 3


def test_lines_of_others_do_no_harm(log: CallLog, path: Path) -> None:
    path.write_bytes(b'not json "start"\n["start"]\n\xff\xfe "start"\n\n')
    log.append(start("1"))
    assert log.start_number("a-thought", "analysis", "1") == 1


def test_a_log_is_read_on_and_not_read_again(log: CallLog, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(2000):
        log.append(start(str(n), thought_id=f"thought-{n}"))
    log.start_number("thought-1", "analysis", "1")
    read: list[int] = []
    pread = os.pread

    def watched(file: int, size: int, offset: int) -> bytes:
        data = pread(file, size, offset)
        read.append(len(data))
        return data

    monkeypatch.setattr(os, "pread", watched)
    log.append(start("last"))
    log.start_number("a-thought", "analysis", "last")
    assert sum(read) < 2000
