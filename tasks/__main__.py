"""`python -m tasks batch` asks the bridges to work off everything that is waiting, now rather than tonight."""

import argparse
import sys
from collections.abc import Sequence

from contracts.logs import configure_logging
from contracts.settings import load_settings_or_exit
from tasks import commands


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tasks", description=__doc__)
    names = parser.add_subparsers(required=True, metavar="COMMAND")
    batch = names.add_parser("batch", help="analyse all that is waiting, and show how far it is")
    batch.add_argument("--detach", action="store_true", help="only ask, and return at once")
    chosen = parser.parse_args(arguments)
    configure_logging()
    try:
        return commands.batch(load_settings_or_exit(), detach=chosen.detach)
    except KeyboardInterrupt:  # before anything was asked for
        return commands.INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
