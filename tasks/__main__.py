"""The entry point of `python -m tasks`."""

from contracts import cli
from tasks.commands import tasks

if __name__ == "__main__":
    raise SystemExit(cli.run(tasks, "python -m tasks"))
