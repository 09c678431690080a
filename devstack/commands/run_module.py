"""Implements `run`: runs a module with the addresses and settings of the stack's own processes."""

import os
import subprocess
import sys
from contextlib import suppress

from devstack.commands.environment import build_environment, load_saved_settings
from devstack.spec import child_environment
from devstack.spec.layout import PROJECT, StackDir
from devstack.spec.ports import Ports
from devstack.spec.stack import Stack
from devstack.supervisor.pid_records import DEVSTACK_ENV_VAR


def environment(stack_dir: StackDir, stack: Stack) -> dict[str, str]:
    """Return the environment of the stack's processes, without variables that only the environment of `up` had.

    The module also gets what concerns its terminal. It is no process of the stack, so it has no DEVSTACK_ENV_VAR, which
    marks what `down` may end.
    """
    variables = build_environment(stack_dir, Ports(stack.port_base), load_saved_settings(stack_dir))
    variables |= {name: os.environ[name] for name in child_environment.TERMINAL if name in os.environ}
    del variables[DEVSTACK_ENV_VAR]
    if stack.kafka_bootstrap is None:
        variables["KAFKA_ENABLED"] = "false"
    return variables


def run_module(stack_dir: StackDir, stack: Stack, arguments: list[str]) -> int:
    """Run `python -m ARGUMENTS` and return its exit status. The module itself handles a Ctrl-C."""
    argv = [sys.executable, "-m", *arguments]
    with subprocess.Popen(argv, env=environment(stack_dir, stack), cwd=PROJECT) as module:  # noqa: S603 - the person's own command
        while True:
            with suppress(KeyboardInterrupt):
                return module.wait()
