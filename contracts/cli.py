"""How the commands of all packages start and end: settings, logging, exit statuses and one-line errors.

Exit status 0: done. 1: the command says what is wrong. 2: wrong arguments. 130: interrupted.
"""

import errno
import functools
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Concatenate, Final, ParamSpec, TypeVar

import click

from contracts.logs import configure_logging
from contracts.settings import Settings, load_settings_or_exit
from contracts.terminal import discard_output, prepare_streams

P = ParamSpec("P")
R = TypeVar("R")

INTERRUPTED: Final = 130

_CANNOT_WRITE: Final = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG}


def with_settings(command: Callable[Concatenate[Settings, P], R]) -> Callable[P, R]:
    """Decorator of a click command: load the settings, configure logging, and pass the settings first.

    Raises SystemExit with one line per variable when the settings are unusable.
    """

    @functools.wraps(command)
    def started(*args: P.args, **kwargs: P.kwargs) -> R:
        return command(click.get_current_context().obj or _start_process(), *args, **kwargs)

    return started


def run(
    command: click.Command, prog: str, arguments: Sequence[str] | None = None, settings: Settings | None = None
) -> int:
    """Run a click command and return its exit status; a command function returns its own, or None for 0.

    `arguments` and `settings` stand in for those of the process; with `settings`, logging is left as it is.
    """
    prepare_streams()
    try:
        status = _invoke(command, prog, list(sys.argv[1:] if arguments is None else arguments), settings)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough
        discard_output()
        return 0
    except OSError as error:
        if error.errno not in _CANNOT_WRITE:
            raise
        _report_full_disk(error)
        return 1
    return status


def _report_full_disk(error: OSError) -> None:
    """Print one line: the output, or a file of the command, cannot be written."""
    with suppress(OSError):
        sys.stderr.write(f"Cannot write {error.filename or 'the output'}: {error.strerror}\n")
        sys.stderr.flush()
    discard_output()


def _start_process() -> Settings:
    settings = load_settings_or_exit()
    configure_logging(settings.log_format)
    return settings


def _invoke(command: click.Command, prog: str, arguments: list[str], settings: Settings | None) -> int:
    try:
        with command.make_context(prog, arguments, obj=settings) as context:
            return command.invoke(context) or 0
    except click.exceptions.Exit as finished:
        return finished.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
