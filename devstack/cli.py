"""The command line: `python -m devstack up|status|stop|start|restart|run|down|lock-kafka`."""

import argparse
from pathlib import Path

from devstack import console
from devstack.commands import run_module, status
from devstack.commands.environment import parse_settings
from devstack.commands.up import Options, up
from devstack.errors import DevstackError, NotUp
from devstack.spec.layout import StackDir
from devstack.spec.ports import DEFAULT_BASE, Ports
from devstack.spec.process_kinds import parse_scale
from devstack.spec.stack import load
from devstack.stores import kafka_lock
from devstack.supervisor import client, locks


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    chosen = _parser().parse_args(arguments)
    try:
        return int(chosen.run(chosen))
    except DevstackError as wrong:
        console.clear_progress()
        console.print_error(str(wrong))
        return 1
    except KeyboardInterrupt:
        console.print_error("Interrupted. What was stopping goes on stopping by itself; `status` shows it.")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devstack", description="The whole system on one machine.")
    commands = parser.add_subparsers(required=True, metavar="up|status|stop|start|restart|run|down|lock-kafka")
    _add_up(commands)
    shown = _add(commands, "status", _status, "show what runs, and where")
    shown.add_argument("--json", action="store_true", help="for programs")
    for name, run, text in (
        ("stop", _stop, "stop a process, or all of a kind, until it is started"),
        ("start", _start, "start what was stopped"),
        ("restart", _restart, "stop and start"),
    ):
        _add(commands, name, run, text).add_argument("name", help="a process such as bridge.1, or a kind such as kafka")
    given = _add(commands, "run", _run, "run a module of the project with the stack's addresses")
    given.add_argument("words", nargs=argparse.REMAINDER, metavar="MODULE ...", help="such as bridge dead-letters list")
    _add(commands, "down", _down, "stop everything; what was written is kept")
    lock = commands.add_parser("lock-kafka", help="make kafka.lock anew from kafka-pom.xml, with Maven")
    lock.set_defaults(run=_lock_kafka)
    return parser


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, run: object, text: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text)
    parser.add_argument("--dir", type=Path, default=Path(".devstack"), help="the stack's directory (.devstack)")
    parser.set_defaults(run=run)
    return parser


def _add_up(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = _add(commands, "up", _up, "start everything")
    parser.add_argument(
        "--port-base", type=int, default=DEFAULT_BASE, metavar="N", help="the page's port; the others follow it (8000)"
    )
    parser.add_argument(
        "--scale",
        action="append",
        default=[],
        metavar="KIND=NUMBER,...",
        help="how many of relay, bridge, worker, beat, flower, web (1 each)",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="settings",
        metavar="NAME=VALUE",
        help="a setting of contracts/settings.py",
    )
    parser.add_argument("--kafka", choices=["apache", "embedded"], help="insist on Apache Kafka, or on its stand-in")
    parser.add_argument("--detach", action="store_true", help="return when everything is ready")


def _home(chosen: argparse.Namespace) -> StackDir:
    return StackDir(chosen.dir.resolve())


def _up(chosen: argparse.Namespace) -> int:
    scale, settings = parse_scale(chosen.scale), parse_settings(chosen.settings)
    return up(Options(_home(chosen), Ports(chosen.port_base), scale, settings, chosen.kafka, chosen.detach))


def _status(chosen: argparse.Namespace) -> int:
    """Exit status 1 when the stack is not up; what is known of it is shown nevertheless."""
    home = _home(chosen)
    described = status.describe(home, load(home))
    console.print_line(status.as_json(described) if chosen.json else status.as_table(described))
    client.require_manager(home)
    return 0


def _stop(chosen: argparse.Namespace) -> int:
    home = _home(chosen)
    found = load(home).named(chosen.name)
    with locks.locked(home.control_lock):
        client.require_manager(home)
        client.stop(home, found)
    console.print_line(f"Stopped {', '.join(each.name for each in found)}")
    return 0


def _start(chosen: argparse.Namespace) -> int:
    home = _home(chosen)
    found = load(home).named(chosen.name)
    with locks.locked(home.control_lock):
        client.require_manager(home)
        client.start(home, found)
    console.print_line(f"Started {', '.join(each.name for each in found)}")
    return 0


def _restart(chosen: argparse.Namespace) -> int:
    return _stop(chosen) or _start(chosen)


def _down(chosen: argparse.Namespace) -> int:
    home = _home(chosen)
    try:
        stack = load(home)
    except NotUp:
        console.print_line(f"Nothing is up in {home.root}.")
        return 0
    client.bring_down(home, stack)
    console.print_line(f"Stopped. Everything that was written is kept in {home.root}.")
    return 0


def _run(chosen: argparse.Namespace) -> int:
    """The same exit status as the module's."""
    home = _home(chosen)
    return run_module.run_module(home, load(home), chosen.words[chosen.words[:1] == ["--"] :])


def _lock_kafka(_: argparse.Namespace) -> int:
    console.print_line(f"{len(kafka_lock.write_lock())} jars written to {kafka_lock.LOCK_FILE}")
    return 0
