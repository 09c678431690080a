"""Every command writes escapes instead of what a terminal cannot show, and ends in one line when it cannot write."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stores import ROOT

TEXT = "Prüfung für 5 € 🚀"

WRITE_TEXT = """
import sys, click, json
from contracts import cli
@click.command()
def command():
    sys.stdout.write(json.loads(sys.argv[1]) + chr(0xDC80) + "\\n")
    click.echo("echoed")
    sys.stderr.write(json.loads(sys.argv[1]) + "\\n")
raise SystemExit(cli.run(command, "test", []))
"""

PROGRAMS = ("agents", "bench", "bridge", "devstack", "evaluation", "notes", "tasks", "training", "validation")

NAMED_ENCODINGS = ({"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}, {"LC_ALL": "C", "PYTHONUTF8": "0"})


def run(argv: list[str], **variables: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, *argv], cwd=ROOT, env=os.environ | variables, capture_output=True, timeout=120
    )


def shell(redirections: str, argv: list[str]) -> "subprocess.CompletedProcess[str]":
    """Run Python with redirections of the shell."""
    command = ["/bin/sh", "-c", f'exec "$@" {redirections}', "sh", sys.executable, *argv]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("variables", NAMED_ENCODINGS)
def test_what_a_terminal_cannot_show_is_escaped(variables: dict[str, str]) -> None:
    result = run(["-c", WRITE_TEXT, json.dumps(TEXT)], **variables)
    assert result.returncode == 0, result.stderr
    encoding = "latin-1" if "latin-1" in variables.values() else "ascii"
    escaped = TEXT.encode(encoding, "backslashreplace")
    assert result.stdout.splitlines() == [escaped + rb"\udc80", b"echoed"]
    assert result.stderr == escaped + b"\n"


def test_half_of_a_character_is_escaped_where_all_others_can_be_shown() -> None:
    assert (
        run(["-c", WRITE_TEXT, json.dumps(TEXT)], PYTHONIOENCODING="utf-8").stdout.splitlines()[0]
        == TEXT.encode() + rb"\udc80"
    )


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("redirections", [">&-", "2>&-", ">&- 2>&- <&-"])
def test_every_program_runs_with_closed_streams(program: str, redirections: str) -> None:
    result = shell(redirections, ["-m", program, "--help"])
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_says_in_one_line_that_the_disk_is_full(program: str) -> None:
    result = shell("> /dev/full", ["-m", program, "--help"])
    assert (result.returncode, result.stderr) == (1, "Cannot write the output: No space left on device\n")


def test_a_closed_stream_does_not_send_the_output_into_a_file_of_the_command(tmp_path: Path) -> None:
    script = f"""
import click
from contracts import cli
@click.command()
def command():
    with open({str(tmp_path / "file")!r}, "w") as file:
        click.echo("lost")
        file.write("kept")
raise SystemExit(cli.run(command, "test", []))
"""
    assert shell(">&-", ["-c", script]).returncode == 0
    assert (tmp_path / "file").read_text() == "kept"


def test_a_reader_that_leaves_early_ends_a_command_without_an_error() -> None:
    script = WRITE_TEXT.replace('click.echo("echoed")', "[click.echo('x' * 1000) for _ in range(1000)]")
    result = shell("| head -c 10", ["-c", script, '"text"'])
    assert result.stderr in ("", "text\n")
