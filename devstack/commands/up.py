"""`up`: from nothing, or from whatever an earlier one left, to a stack in which every process is ready."""

import hashlib
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from devstack import console
from devstack.commands import app_processes, environment
from devstack.commands.plan import EMBEDDED, make_stack
from devstack.commands.run_module import save_settings
from devstack.commands.wait_ready import wait_until_ready
from devstack.errors import DevstackError, NotUp
from devstack.spec.layout import PROJECT, StackDir
from devstack.spec.ports import Ports
from devstack.spec.process_kinds import STORES, Scale
from devstack.spec.stack import Process, Stack, load, save
from devstack.stores import postgres
from devstack.supervisor import client, locks, logs, pid_records


@dataclass(frozen=True)
class Options:
    """What the command line asks of `up`."""

    home: StackDir
    ports: Ports
    scale: Scale
    settings: dict[str, str] = field(repr=False)
    kafka: str | None = None
    detach: bool = False

    @property
    def request(self) -> dict[str, str | dict[str, int] | None]:
        """What tells one request from another; settings as a digest, since they may be secrets."""
        settings = hashlib.sha256(json.dumps(self.settings, sort_keys=True).encode()).hexdigest()
        scale = {str(kind): count for kind, count in self.scale.items()}
        return {"base": str(self.ports.base), "scale": scale, "kafka": self.kafka, "settings": settings}


def up(options: Options) -> int:
    """Start the stack; detached, return when it is ready; else watch it until a signal or `down` ends it."""
    options.home.prepare()
    with _single_up(options.home):
        if _is_up_already(options):
            console.print_line("This stack is up already.")
            return 0
        with _interrupt_on_signals():
            return _up(options)


def _up(options: Options) -> int:
    """Whatever goes wrong on the way, nothing is left running."""
    try:
        with ExitStack() as undo:
            undo.callback(_take_down, options.home)
            stack = _start(options)
            _print_addresses(options.home, stack)
            if not options.detach:
                return _watch(options.home, stack)
            undo.pop_all()
    except KeyboardInterrupt:
        if client.is_manager_running(options.home):  # a second one, while it was stopping
            raise
    return 0


@contextmanager
def _single_up(home: StackDir) -> Iterator[None]:
    try:
        lock = locks.acquire(home.up_lock, wait=False)
    except BlockingIOError:
        other = locks.holder_pid(home.up_lock)
        raise DevstackError(
            f"Another `up` (pid {other}) has {home.root}. End it, or give this one its own --dir and --port-base."
        ) from None
    with lock:
        yield


@contextmanager
def _interrupt_on_signals() -> Iterator[None]:
    """What ends `up`: Ctrl-C, also as a background job, for which the shell ignores it; a termination; a hang-up."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.default_int_handler) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_up_already(options: Options) -> bool:
    """True for a detached stack of the same request. Raises DevstackError for one of another request.

    Anything else that runs in this directory lost its `up`, or its manager, half-way: it is ended.
    """
    try:
        earlier = load(options.home)
    except NotUp:
        return False
    lives = client.is_manager_running(options.home)
    if lives and earlier.detached and earlier.complete:
        if options.detach and earlier.request == options.request:
            return True
        root = options.home.root
        raise DevstackError(f"Another stack is up in {root}. End it first: python -m devstack down --dir {root}")
    if client.bring_down(options.home, earlier) or lives:
        console.print_line("Ended what an earlier `up`, which was killed, had left running.")
    return False


def _start(options: Options) -> Stack:
    home = options.home
    settings_environment = environment.build_environment(home, options.ports, options.settings)
    settings = environment.load_stack_settings(settings_environment)
    stack = make_stack(home, options.ports, options.scale, settings, kafka_choice=options.kafka).model_copy(
        update={"request": options.request, "detached": options.detach}
    )
    pid_records.delete_all(home)
    save_settings(home, options.settings)
    save(home, stack)
    client.launch(home, settings_environment)
    _start_stores(home, options.ports, stack, settings_environment)
    _start_apps(home, stack, settings_environment)
    done = stack.model_copy(update={"complete": True})
    save(home, done)
    return done


def _start_stores(home: StackDir, ports: Ports, stack: Stack, settings_environment: dict[str, str]) -> None:
    _start_and_wait(home, stack, [each for each in stack.processes if each.kind in STORES])
    postgres.create_database(home, ports)
    if stack.kafka and stack.kafka != EMBEDDED:  # the stand-in makes topics by itself
        _run_job(home, "topics", app_processes.topics_command(), settings_environment)


def _start_apps(home: StackDir, stack: Stack, settings_environment: dict[str, str]) -> None:
    processes = [each for each in stack.processes if each.kind not in STORES]
    if processes:
        console.print_line("Bringing the database's tables up to date")
        _run_job(home, "migrate", app_processes.migration_command(), settings_environment)
        _start_and_wait(home, stack, processes)


def _start_and_wait(home: StackDir, stack: Stack, processes: list[Process]) -> None:
    console.print_line(f"Starting {', '.join(each.name for each in processes)}")
    client.start(home, processes)
    wait_until_ready(home, stack, processes)


def _run_job(home: StackDir, name: str, argv: list[str], settings_environment: dict[str, str]) -> None:
    with home.open_log(name).open("a") as log:
        done = subprocess.run(argv, env=settings_environment, cwd=PROJECT, stdout=log, stderr=log, check=False)  # noqa: S603
    if done.returncode:
        raise DevstackError(f"The job `{name}` failed. The end of {home.log(name)}:\n{logs.tail(home.log(name))}")


def _print_addresses(home: StackDir, stack: Stack) -> None:
    if stack.web_url:
        console.print_line(f"\nThe page is at {stack.web_url}")
    if stack.flower_url:
        console.print_line(f"Flower is at   {stack.flower_url}")
    console.print_line(f"Logs are in    {home.logs}")
    if not stack.detached:
        console.print_line("Ctrl-C stops everything.")


def _watch(home: StackDir, stack: Stack) -> int:
    """Say what is started again, until the manager ends: by `down` from elsewhere (0), or killed (1)."""
    told: dict[str, int] = {}
    while client.is_manager_running(home):
        for each in stack.processes:
            record = pid_records.read(home, each.name)
            if record and record.restarts > told.get(each.name, 0):
                told[each.name] = record.restarts
                console.print_line(f"{each.name} ended by itself and was started again; see {home.log(each.name)}")
        time.sleep(1)
    if client.bring_down(home, stack):
        console.print_error("The process manager was killed; what it had started was ended. Run `up` again.")
        return 1
    console.print_line("The stack was taken down.")
    return 0


def _take_down(home: StackDir) -> None:
    console.clear_progress()
    if client.is_manager_running(home):
        console.print_line("\nStopping; the stores come last.")
        client.bring_down(home, load(home))
        console.print_line(f"Stopped. All data is kept in {home.root}.")
