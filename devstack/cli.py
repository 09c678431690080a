"""Defines the commands and options of `python -m devstack`, and prints their errors."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec

import click

from contracts.cli import INTERRUPTED
from devstack import console
from devstack.commands import run_module, status
from devstack.commands import up as up_command
from devstack.commands.environment import parse_settings
from devstack.errors import DevstackError, NotUp
from devstack.spec.layout import StackDir
from devstack.spec.ports import DEFAULT_BASE, Ports
from devstack.spec.process_kinds import parse_scale
from devstack.spec.stack import Process, load
from devstack.spec.variables import parse_variables
from devstack.stores import kafka_lock
from devstack.supervisor import client, discovery, locks

P = ParamSpec("P")


def _as_stack_dir(context: click.Context, parameter: click.Parameter, value: Path) -> StackDir:  # noqa: ARG001 - click's signature
    try:
        return StackDir(value.resolve())
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, or a name that no folder can have
        raise click.BadParameter(f"{str(value)!r} cannot be used: {error}") from None


STACK_DIR_OPTION = click.option(
    "--dir",
    "stack_dir",
    type=click.Path(path_type=Path),
    callback=_as_stack_dir,
    default=Path(".devstack"),
    show_default=True,
    help="The stack's directory.",
)
NAME_ARGUMENT = click.argument("name", metavar="NAME")


def _print_errors(command: Callable[P, int | None]) -> Callable[P, int]:
    """Decorate a command: print a DevstackError to standard error, and explain what continues after an interrupt."""

    @functools.wraps(command)
    def with_error_messages(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            return command(*args, **kwargs) or 0
        except DevstackError as error:
            console.clear_progress()
            console.print_error(str(error))
            return 1
        except OSError as error:  # a full disk, or a folder of another account
            console.clear_progress()
            console.print_error(f"Stopped, because {error.filename or 'a file'} cannot be used: {error.strerror}.")
            return 1
        except KeyboardInterrupt:
            console.print_error("Interrupted. Shutdown continues in the background; check `status`.")
            return INTERRUPTED

    return with_error_messages


@click.group()
def devstack() -> None:
    """Run the whole system on one machine, without Docker."""


@devstack.command()
@STACK_DIR_OPTION
@click.option(
    "--port-base",
    type=int,
    default=DEFAULT_BASE,
    show_default=True,
    metavar="N",
    help="Port of the web page; the other ports follow it.",
)
@click.option(
    "--scale",
    multiple=True,
    metavar="KIND=NUMBER,...",
    help="Number of processes of relay, bridge, worker, beat, flower or web; 1 by default.",
)
@click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="Override a setting; .env.example lists them."
)
@click.option(
    "--kafka",
    type=click.Choice(["apache", "embedded"]),
    help="Require Apache Kafka, or use the embedded broker; by default it is used only where Kafka is not available.",
)
@click.option(
    "--env",
    "variables",
    multiple=True,
    metavar="PROCESS:NAME=VALUE",
    help="Give a process, or all processes of a kind, a variable that they would not inherit, such as LD_PRELOAD.",
)
@click.option("--detach", is_flag=True, help="Return when everything is ready, and leave it running.")
@_print_errors
def up(
    stack_dir: StackDir,
    *,
    port_base: int,
    scale: tuple[str, ...],
    settings: tuple[str, ...],
    kafka: str | None,
    variables: tuple[str, ...],
    detach: bool,
) -> int:
    """Start everything. Without --detach, Ctrl-C stops it."""
    options = up_command.Options(
        stack_dir, Ports(port_base), parse_scale([*scale]), parse_settings([*settings]), kafka, detach,
        parse_variables([*variables]),
    )  # fmt: skip
    return up_command.up(options)


@devstack.command("status")
@STACK_DIR_OPTION
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@_print_errors
def status_command(stack_dir: StackDir, *, as_json: bool) -> None:
    """Show the processes and addresses. The exit status is 1 when the stack is not running."""
    description = status.describe(stack_dir, client.load_stack(stack_dir))
    console.print_line(status.as_json(description) if as_json else status.as_table(description))
    client.require_manager(stack_dir)


@devstack.command()
@NAME_ARGUMENT
@STACK_DIR_OPTION
@_print_errors
def stop(stack_dir: StackDir, *, name: str) -> None:
    """Stop a process, or all processes of a kind.

    NAME is a process such as bridge.1, or a kind such as worker. It stays stopped until `start`.
    """
    _stop(stack_dir, name)


@devstack.command()
@NAME_ARGUMENT
@STACK_DIR_OPTION
@_print_errors
def start(stack_dir: StackDir, *, name: str) -> None:
    """Start a stopped process, or all processes of a kind."""
    _start(stack_dir, name)


@devstack.command()
@NAME_ARGUMENT
@STACK_DIR_OPTION
@_print_errors
def restart(stack_dir: StackDir, *, name: str) -> None:
    """Stop and start a process, or all processes of a kind."""
    _stop(stack_dir, name)
    _start(stack_dir, name)


@devstack.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@STACK_DIR_OPTION
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED, metavar="MODULE [ARGUMENT]...")
@_print_errors
def run_command(stack_dir: StackDir, *, arguments: tuple[str, ...]) -> int:
    """Run a Python module with the settings and addresses of the stack.

    For example `run bridge dead-letters list`. The exit status is the module's.
    """
    return run_module.run_module(stack_dir, client.load_stack(stack_dir), [*arguments])


@devstack.command()
@STACK_DIR_OPTION
@_print_errors
def down(stack_dir: StackDir) -> None:
    """Stop everything. All data is kept."""
    try:
        stack = load(stack_dir)
    except NotUp:
        _stop_without_directory(stack_dir)
        return
    client.bring_down(stack_dir, stack)
    console.print_line(f"Stopped. All data is kept in {stack_dir.root}.")


@devstack.command()
@_print_errors
def lock_kafka() -> None:
    """Write kafka.lock from kafka-pom.xml; needs Maven."""
    console.print_line(f"Wrote {len(kafka_lock.write_lock())} jars to {kafka_lock.LOCK_FILE}")


def _stop_without_directory(stack_dir: StackDir) -> None:
    stopped = discovery.stop(stack_dir)
    if stopped:
        console.print_line(f"Stopped {', '.join(stopped)}, whose folder {stack_dir.root} was deleted or moved.")
    else:
        console.print_line(f"Nothing is running in {stack_dir.root}.")


def _stop(stack_dir: StackDir, name: str) -> None:
    _control(stack_dir, name, client.stop, "Stopped")


def _start(stack_dir: StackDir, name: str) -> None:
    _control(stack_dir, name, client.start, "Started")


def _control(
    stack_dir: StackDir, name: str, action: Callable[[StackDir, list[Process]], None], past_tense: str
) -> None:
    processes = client.load_stack(stack_dir).find_processes(name)
    with locks.locked(stack_dir.control_lock):
        client.require_manager(stack_dir)
        action(stack_dir, processes)
    console.print_line(f"{past_tense} {', '.join(process.name for process in processes)}")
