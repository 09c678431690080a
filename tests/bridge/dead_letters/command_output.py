"""What `python -m bridge dead-letters` says."""

import io
import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any

from bridge.dead_letters.cli import dead_letters
from contracts import cli
from contracts.settings import Settings

COMMAND = [sys.executable, "-m", "bridge", "dead-letters"]


@dataclass
class Said:
    """What a command left."""

    returncode: int
    stdout: str
    stderr: str


def environment(settings: Settings) -> dict[str, str]:
    return os.environ | {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "KAFKA_TOPIC": settings.kafka_topic,
        "KAFKA_DEAD_LETTER_TOPIC": settings.kafka_dead_letter_topic,
    }


def said(settings: Settings, *words: str) -> Said:
    """The command in this process: starting one takes seconds."""
    output, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(errors):
        try:
            status = cli.run(dead_letters, "python -m bridge dead-letters", words, settings)
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 1
            errors.write("" if isinstance(ended.code, int) else f"{ended.code}\n")
    return Said(status, output.getvalue(), errors.getvalue())


def told(settings: Settings, *words: str) -> Any:
    done = said(settings, *words, "--json")
    assert done.stderr == ""
    return json.loads(done.stdout)
