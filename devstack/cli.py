"""The command line of `python -m devstack`: its commands, their options, and where each error is printed."""

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
from devstack.stores import kafka_lock
from devstack.supervisor import client, locks

P = ParamSpec("P")


def _as_stack_dir(context: click.Context, parameter: click.Parameter, value: Path) -> StackDir:  # noqa: ARG001 - click's signature
    return StackDir(value.resolve())


STACK_DIR = click.option(
    "--dir",
    "home",
    type=click.Path(path_type=Path),
    callback=_as_stack_dir,
    default=Path(".devstack"),
    show_default=True,
    help="The stack's directory.",
)
NAME = click.argument("name", metavar="NAME")


def _explaining_errors(command: Callable[P, int | None]) -> Callable[P, int]:
    """Decorator: print a DevstackError as one line, and say what an interrupt leaves running."""

    @functools.wraps(command)
    def explained(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            return command(*args, **kwargs) or 0
        except DevstackError as error:
            console.clear_progress()
            console.print_error(str(error))
            return 1
        except KeyboardInterrupt:
            console.print_error("Interrupted. Shutdown continues in the background; check `status`.")
            return INTERRUPTED

    return explained


@click.group()
def devstack() -> None:
    """Run the whole system on one machine, without Docker."""


@devstack.command()
@STACK_DIR
@click.option(
    "--port-base",
    type=int,
    default=DEFAULT_BASE,
    show_default=True,
    metavar="N",
    help="The page's port; the others follow it.",
)
@click.option(
    "--scale",
    multiple=True,
    metavar="KIND=NUMBER,...",
    help="How many processes of relay, bridge, worker, beat, flower, web; 1 each unless given.",
)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A setting, as in .env.example.")
@click.option("--kafka", type=click.Choice(["apache", "embedded"]), help="Insist on Apache Kafka or on its stand-in.")
@click.option("--detach", is_flag=True, help="Return as soon as everything is ready.")
@_explaining_errors
def up(
    home: StackDir,
    *,
    port_base: int,
    scale: tuple[str, ...],
    settings: tuple[str, ...],
    kafka: str | None,
    detach: bool,
) -> int:
    """Start everything."""
    chosen_scale, chosen_settings = parse_scale([*scale]), parse_settings([*settings])
    options = up_command.Options(home, Ports(port_base), chosen_scale, chosen_settings, kafka, detach)
    return up_command.up(options)


@devstack.command("status")
@STACK_DIR
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@_explaining_errors
def status_command(home: StackDir, *, as_json: bool) -> None:
    """Show what runs, and where. Exit status 1 when the stack is not up."""
    described = status.describe(home, load(home))
    console.print_line(status.as_json(described) if as_json else status.as_table(described))
    client.require_manager(home)


@devstack.command()
@NAME
@STACK_DIR
@_explaining_errors
def stop(home: StackDir, *, name: str) -> None:
    """Stop a process, or all of a kind.

    NAME is a process such as bridge.1, or a kind such as worker. It stays stopped until it is started.
    """
    _stop(home, name)


@devstack.command()
@NAME
@STACK_DIR
@_explaining_errors
def start(home: StackDir, *, name: str) -> None:
    """Start what was stopped."""
    _start(home, name)


@devstack.command()
@NAME
@STACK_DIR
@_explaining_errors
def restart(home: StackDir, *, name: str) -> None:
    """Stop and start a process, or all of a kind."""
    _stop(home, name)
    _start(home, name)


@devstack.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@STACK_DIR
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED, metavar="MODULE [ARGUMENT]...")
@_explaining_errors
def run_command(home: StackDir, *, arguments: tuple[str, ...]) -> int:
    """Run a module with the addresses of the stack.

    For example `run bridge dead-letters list`. The exit status is the module's.
    """
    return run_module.run_module(home, load(home), [*arguments])


@devstack.command()
@STACK_DIR
@_explaining_errors
def down(home: StackDir) -> None:
    """Stop everything; the data is kept."""
    try:
        stack = load(home)
    except NotUp:
        console.print_line(f"Nothing is running in {home.root}.")
        return
    client.bring_down(home, stack)
    console.print_line(f"Stopped. All data is kept in {home.root}.")


@devstack.command()
@_explaining_errors
def lock_kafka() -> None:
    """Write kafka.lock from kafka-pom.xml, with Maven."""
    console.print_line(f"{len(kafka_lock.write_lock())} jars written to {kafka_lock.LOCK_FILE}")


def _stop(home: StackDir, name: str) -> None:
    _control(home, name, client.stop, "Stopped")


def _start(home: StackDir, name: str) -> None:
    _control(home, name, client.start, "Started")


def _control(home: StackDir, name: str, action: Callable[[StackDir, list[Process]], None], past_tense: str) -> None:
    processes = load(home).named(name)
    with locks.locked(home.control_lock):
        client.require_manager(home)
        action(home, processes)
    console.print_line(f"{past_tense} {', '.join(process.name for process in processes)}")
