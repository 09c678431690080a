"""Log lines are written as text or as JSON, with ids as fields."""

import json
import subprocess
import sys
from uuid import UUID

import pytest

from contracts.logs import LogFormat
from tests.stores import ROOT

THOUGHT = UUID(int=7)

LOGGING_PROGRAM = f"""
import logging, sys
from uuid import UUID
from contracts.logs import configure_logging

configure_logging(sys.argv[1])
log = logging.getLogger("tasks.step")
log.info("Step %d was saved.", 3, extra={{"thought_id": UUID({str(THOUGHT)!r}), "step": 3}})
log.debug("A debug record of the project is not written.")
logging.getLogger("a.library").info("An info record of a library is not written.")
logging.getLogger("a.library").warning("A warning of a library.")
try:
    raise RuntimeError("something failed")
except RuntimeError:
    log.exception("Step failed.")
"""


def log_lines(log_format: LogFormat) -> list[str]:
    """Return what a process with this format writes to standard error."""
    command = [sys.executable, "-c", LOGGING_PROGRAM, log_format]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert process.stdout == ""
    return process.stderr.splitlines()


def test_text_format_shows_level_message_logger_and_ids() -> None:
    saved, library, failed, *traceback = log_lines("text")
    assert saved.endswith(f"[info] Step 3 was saved. [tasks.step] step=3 thought_id={THOUGHT}")
    assert library.endswith("[warning] A warning of a library. [a.library]")
    assert failed.endswith("[error] Step failed. [tasks.step]")
    assert traceback[-1] == "RuntimeError: something failed"


def test_json_format_writes_one_object_per_line_with_the_ids_as_members() -> None:
    saved, library, failed = (json.loads(line) for line in log_lines("json"))
    assert saved.pop("timestamp").endswith("Z")
    assert saved == {
        "event": "Step 3 was saved.",
        "level": "info",
        "logger": "tasks.step",
        "thought_id": str(THOUGHT),
        "step": 3,
    }
    assert (library["event"], library["logger"]) == ("A warning of a library.", "a.library")
    assert failed["exception"].endswith("RuntimeError: something failed")


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_logging_a_record_with_wrong_arguments_does_not_end_the_process(log_format: LogFormat) -> None:
    code = LOGGING_PROGRAM + "log.info('%d', 'not a number')\nlog.info('continues')\n"
    command = [sys.executable, "-c", code, log_format]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "continues" in process.stderr.splitlines()[-1]


QUOTING_PROGRAM = r"""
import logging
from contracts.logs import configure_logging

configure_logging("text")
log = logging.getLogger("tasks.step")
quoted = "no\n2026-01-01 [info] forged\r\x1b[2J\u202etxt\u2028\x9b0m"
log.warning("The model says: %s", quoted, extra={"reason": quoted, "turned": "\u202etxt", "word": "\u00e9"})
try:
    raise ValueError(quoted)
except ValueError:
    log.exception("Step failed.")
"""


def test_a_quoted_text_neither_starts_a_line_nor_commands_a_terminal() -> None:
    command = [sys.executable, "-X", "utf8", "-c", QUOTING_PROGRAM]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    warning, error, *traceback = process.stderr.split("\n")
    assert r"The model says: no\n2026-01-01 [info] forged\r\x1b[2J\u202etxt\u2028\x9b0m [tasks.step]" in warning
    assert "word=\u00e9" in warning
    assert error.endswith("[error] Step failed. [tasks.step]")
    assert traceback[0] == "Traceback (most recent call last):"
    assert all(line.isprintable() for line in (warning, error, *traceback))
