"""The entry point of `python -m notes`."""

from contracts import cli
from notes.commands import notes

if __name__ == "__main__":
    raise SystemExit(cli.run(notes, "python -m notes"))
