"""Log lines as text and as JSON, with ids as fields."""

import json
import subprocess
import sys
from uuid import UUID

import pytest

from contracts.logs import LogFormat
from tests.stores import ROOT

THOUGHT = UUID(int=7)

LOG_SOMETHING = f"""
import logging, sys
from uuid import UUID
from contracts.logs import configure_logging

configure_logging(sys.argv[1])
log = logging.getLogger("tasks.step")
log.info("Step %d was saved.", 3, extra={{"thought_id": UUID({str(THOUGHT)!r}), "step": 3}})
log.debug("Not from this level on.")
logging.getLogger("a.library").info("Not of a library.")
logging.getLogger("a.library").warning("Of a library.")
try:
    raise RuntimeError("out of order")
except RuntimeError:
    log.exception("Step failed.")
"""


def lines(log_format: LogFormat) -> list[str]:
    """What a process with this format writes to standard error."""
    command = [sys.executable, "-c", LOG_SOMETHING, log_format]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_text_shows_level_message_logger_and_ids() -> None:
    saved, library, failed, *traceback = lines("text")
    assert saved.endswith(f"[info] Step 3 was saved. [tasks.step] step=3 thought_id={THOUGHT}")
    assert library.endswith("[warning] Of a library. [a.library]")
    assert failed.endswith("[error] Step failed. [tasks.step]")
    assert traceback[-1] == "RuntimeError: out of order"


def test_json_is_one_object_a_line_with_the_ids_as_members() -> None:
    saved, library, failed = (json.loads(line) for line in lines("json"))
    assert saved.pop("timestamp").endswith("Z")
    assert saved == {
        "event": "Step 3 was saved.",
        "level": "info",
        "logger": "tasks.step",
        "thought_id": str(THOUGHT),
        "step": 3,
    }
    assert (library["event"], library["logger"]) == ("Of a library.", "a.library")
    assert failed["exception"].endswith("RuntimeError: out of order")


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_record_that_cannot_be_formatted_does_not_end_the_process(log_format: LogFormat) -> None:
    code = LOG_SOMETHING + "log.info('%d', 'no number')\nlog.info('goes on')\n"
    command = [sys.executable, "-c", code, log_format]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "goes on" in done.stderr.splitlines()[-1]
