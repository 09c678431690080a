"""Implements `up`: stops the leftovers of an earlier `up`, starts the stack, and waits until every process is ready."""

import hashlib
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field

from contracts.settings import Settings
from devstack import console
from devstack.commands import app_processes, environment
from devstack.commands.active_provider import describe_provider, require_provider
from devstack.commands.plan import EMBEDDED, make_stack
from devstack.commands.wait_ready import wait_until_ready, wait_until_working
from devstack.errors import DevstackError, NotUp
from devstack.spec.layout import PROJECT, StackDir
from devstack.spec.ownership import require_usable
from devstack.spec.ports import Ports
from devstack.spec.process_kinds import STORES, Scale
from devstack.spec.stack import Process, Stack, load, save
from devstack.spec.variables import Variable, with_variables
from devstack.stores import postgres
from devstack.supervisor import client, discovery, locks, logs, pid_records


@dataclass(frozen=True)
class Options:
    """The options of `up`."""

    stack_dir: StackDir
    ports: Ports
    scale: Scale
    settings: dict[str, str] = field(repr=False)
    kafka: str | None = None
    detach: bool = False
    variables: list[Variable] = field(default_factory=list)

    @property
    def request(self) -> dict[str, str | dict[str, int] | None]:
        """The options that distinguish requests; settings as a digest, because they may be secrets."""
        chosen = [self.settings, *(asdict(variable) for variable in self.variables)]
        digest = hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()
        scale = {str(kind): count for kind, count in self.scale.items()}
        return {"base": str(self.ports.base), "scale": scale, "kafka": self.kafka, "settings": digest}


def up(options: Options) -> int:
    """Start the stack and return the exit status.

    A detached `up` returns when the stack is ready; otherwise it watches the stack until a signal or `down` stops it.
    Raises DevstackError when the stack cannot start; then nothing is left running.
    """
    require_usable(options.stack_dir)
    if not options.stack_dir.stack_file.exists():
        discovery.require_none(options.stack_dir)
    options.stack_dir.prepare()
    with _single_up(options.stack_dir):
        if _is_up_already(options):
            console.print_line("This stack is already running.")
            return 0
        with _interrupt_on_signals():
            return _up(options)


def _up(options: Options) -> int:
    """Start the stack, and stop it again if anything fails."""
    try:
        with ExitStack() as undo:
            undo.callback(_stop_everything, options.stack_dir)
            settings_environment = environment.build_environment(options.stack_dir, options.ports, options.settings)
            settings = environment.load_stack_settings(settings_environment)
            require_provider(settings)
            stack = _start(options, settings, settings_environment)
            _print_addresses(options.stack_dir, stack, describe_provider(settings))
            if not options.detach:
                return _watch(options.stack_dir, stack)
            undo.pop_all()
    except KeyboardInterrupt:
        if client.is_manager_running(options.stack_dir):  # a second interrupt, during the stop
            raise
    return 0


@contextmanager
def _single_up(stack_dir: StackDir) -> Iterator[None]:
    try:
        lock = locks.acquire(stack_dir.up_lock, wait=False)
    except BlockingIOError:
        holder = locks.holder_pid(stack_dir.up_lock)
        raise DevstackError(
            f"Another `up` (pid {holder}) uses {stack_dir.root}. Stop it, or choose another --dir and --port-base."
        ) from None
    with lock:
        yield


@contextmanager
def _interrupt_on_signals() -> Iterator[None]:
    """Raise KeyboardInterrupt on SIGINT, SIGTERM and SIGHUP. SIGINT is set too, because the shell ignores it for
    background jobs."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    previous_handlers = {number: signal.signal(number, signal.default_int_handler) for number in signals}
    try:
        yield
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)


def _is_up_already(options: Options) -> bool:
    """Return True for a running detached stack of the same request. Raises DevstackError for one of another request.

    Any other process of this directory lost its `up` or its manager before it was complete, and is stopped.
    """
    try:
        earlier = load(options.stack_dir)
    except NotUp:
        return False
    is_running = client.is_manager_running(options.stack_dir)
    if is_running and earlier.detached and earlier.complete:
        if options.detach and earlier.request == options.request:
            return True
        root = options.stack_dir.root
        stop = f"python -m devstack down {options.stack_dir.option}"
        raise DevstackError(f"A stack is already running in {root}. Stop it with: {stop}")
    if client.bring_down(options.stack_dir, earlier) or is_running:
        console.print_line("Stopped the processes that an earlier `up` had left running.")
    return False


def _start(options: Options, settings: Settings, settings_environment: dict[str, str]) -> Stack:
    stack_dir = options.stack_dir
    stack = make_stack(stack_dir, options.ports, options.scale, settings, kafka_choice=options.kafka).model_copy(
        update={"request": options.request, "detached": options.detach}
    )
    stack = with_variables(stack, options.variables)
    pid_records.delete_all(stack_dir)
    environment.save_settings(stack_dir, options.settings)
    save(stack_dir, stack)
    client.launch(stack_dir, settings_environment)
    _start_stores(stack_dir, options.ports, stack, settings_environment)
    _start_apps(stack_dir, stack, settings_environment)
    complete_stack = stack.model_copy(update={"complete": True})
    save(stack_dir, complete_stack)
    return complete_stack


def _start_stores(stack_dir: StackDir, ports: Ports, stack: Stack, settings_environment: dict[str, str]) -> None:
    _start_and_wait(stack_dir, stack, [process for process in stack.processes if process.kind in STORES])
    postgres.create_database(stack_dir, ports)
    if stack.kafka and stack.kafka != EMBEDDED:  # the embedded broker creates its topics itself
        _run_job(stack_dir, "topics", app_processes.topics_command(), settings_environment)


def _start_apps(stack_dir: StackDir, stack: Stack, settings_environment: dict[str, str]) -> None:
    processes = [process for process in stack.processes if process.kind not in STORES]
    if processes:
        console.print_line("Migrating the database")
        _run_job(stack_dir, "migrate", app_processes.migration_command(), settings_environment)
        _run_job(stack_dir, "names", app_processes.names_command(), settings_environment)
        _start_and_wait(stack_dir, stack, processes)
        wait_until_working(stack, settings_environment.get("METRICS_TOKEN"))


def _start_and_wait(stack_dir: StackDir, stack: Stack, processes: list[Process]) -> None:
    console.print_line(f"Starting {', '.join(process.name for process in processes)}")
    client.start(stack_dir, processes)
    wait_until_ready(stack_dir, stack, processes)


def _run_job(stack_dir: StackDir, name: str, argv: list[str], settings_environment: dict[str, str]) -> None:
    with stack_dir.open_log(name).open("a") as log:
        result = subprocess.run(argv, env=settings_environment, cwd=PROJECT, stdout=log, stderr=log, check=False)  # noqa: S603
    if result.returncode:
        log_file = stack_dir.log_file(name)
        raise DevstackError(f"The job `{name}` failed. The last lines of {log_file}:\n{logs.tail(log_file)}")


def _print_addresses(stack_dir: StackDir, stack: Stack, provider: str) -> None:
    if stack.web_url:
        console.print_line(f"\nWeb     {stack.web_url}")
    if stack.flower_url:
        console.print_line(f"Flower  {stack.flower_url}")
    console.print_line(f"Logs    {stack_dir.log_directory}")
    console.print_line(f"Agents  {provider}")
    if not stack.detached:
        console.print_line("Press Ctrl-C to stop everything.")


def _watch(stack_dir: StackDir, stack: Stack) -> int:
    """Report restarts until the manager exits; return 0 after `down`, or 1 if the manager was killed."""
    reported_restarts: dict[str, int] = {}
    while client.is_manager_running(stack_dir):
        if not stack_dir.stack_file.exists():
            discovery.stop(stack_dir)
            console.print_error(f"The folder {stack_dir.root} was deleted or moved, so everything was stopped.")
            return 1
        for process in stack.processes:
            record = pid_records.read(stack_dir, process.name)
            if record and record.restarts > reported_restarts.get(process.name, 0):
                reported_restarts[process.name] = record.restarts
                console.print_line(
                    f"{process.name} exited and was restarted. Its log: {stack_dir.log_file(process.name)}"
                )
        time.sleep(1)
    if client.bring_down(stack_dir, stack):
        console.print_error("The process manager was killed, so its processes were stopped. Run `up` again.")
        return 1
    console.print_line("The stack was stopped by `down`.")
    return 0


def _stop_everything(stack_dir: StackDir) -> None:
    console.clear_progress()
    if client.is_manager_running(stack_dir):
        console.print_line("\nStopping everything, the stores last.")
        client.bring_down(stack_dir, load(stack_dir))
        console.print_line(f"Stopped. All data is kept in {stack_dir.root}.")
