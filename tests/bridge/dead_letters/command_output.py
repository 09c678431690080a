"""Runs `python -m bridge dead-letters` and captures its output."""

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
class CommandOutput:
    """Exit status and output of a command."""

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


def run_command(settings: Settings, *arguments: str) -> CommandOutput:
    """Run the command in this process, because starting a new one takes seconds."""
    output, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(errors):
        try:
            status = cli.run(dead_letters, "python -m bridge dead-letters", arguments, settings)
        except SystemExit as exit_error:
            status = exit_error.code if isinstance(exit_error.code, int) else 1
            errors.write("" if isinstance(exit_error.code, int) else f"{exit_error.code}\n")
    return CommandOutput(status, output.getvalue(), errors.getvalue())


def run_json(settings: Settings, *arguments: str) -> Any:
    """Run the command with --json and return the parsed output."""
    result = run_command(settings, *arguments, "--json")
    assert result.stderr == ""
    return json.loads(result.stdout)
