"""`python -m bridge`: the commands of Kafka's side. Without a command it is the consumer."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Final

from bridge import commands
from bridge.dead_letters import cli as letters
from contracts.logs import configure_logging
from contracts.settings import Settings, load_settings_or_exit

Command = Callable[[Settings, argparse.Namespace], int]

INTERRUPTED: Final = 130


def parser() -> argparse.ArgumentParser:
    """All commands, each with the function that does it."""
    every = argparse.ArgumentParser(prog="python -m bridge", description=__doc__)
    every.set_defaults(command=commands.consume)
    names = every.add_subparsers(title="commands", metavar="COMMAND")
    _add(names, "run", commands.consume, "take thoughts from Kafka and send their steps to the workers (the default)")
    _add(names, "relay", commands.relay, "publish the outbox to Kafka")
    _add(names, "create-topics", commands.topics, "make the three topics that are not there yet")
    audited = _add(names, "audit", commands.audit, "count thoughts, records and commits, and say what does not add up")
    audited.add_argument("--json", action="store_true", help="one JSON object")
    letters.add(names)
    return every


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    chosen = parser().parse_args(arguments)
    configure_logging()
    command: Command = chosen.command
    try:
        status = command(load_settings_or_exit(), chosen)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # who reads the output has seen enough; Python would try once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _add(
    names: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, command: Command, about: str
) -> argparse.ArgumentParser:
    found = names.add_parser(name, help=about)
    found.set_defaults(command=command)
    return found


if __name__ == "__main__":
    sys.exit(main())
