"""`run`: a module of the project with the addresses and the settings that the stack's own processes have."""

import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress

from devstack.commands.environment import build_environment
from devstack.spec.layout import PROJECT, StackDir, write_private
from devstack.spec.ports import Ports
from devstack.spec.stack import Stack


def save_settings(home: StackDir, chosen: Mapping[str, str]) -> None:
    """Keep what `up --set` chose, for its owner alone to read: settings may be secrets."""
    write_private(home.settings_file, json.dumps(dict(chosen)))


def environment(home: StackDir, stack: Stack) -> dict[str, str]:
    """What the stack's processes were given, as far as it was not only in the environment of `up`."""
    variables = build_environment(home, Ports(stack.port_base), _saved_settings(home))
    if stack.kafka_bootstrap is None:
        variables["KAFKA_ENABLED"] = "false"
    return variables


def run_module(home: StackDir, stack: Stack, words: list[str]) -> int:
    """Run `python -m WORDS` to its end and return its exit status. A Ctrl-C is the module's: it ends in its own way."""
    argv = [sys.executable, "-m", *words]
    with subprocess.Popen(argv, env=environment(home, stack), cwd=PROJECT) as module:  # noqa: S603 - the person's own words
        while True:
            with suppress(KeyboardInterrupt):
                return module.wait()


def _saved_settings(home: StackDir) -> dict[str, str]:
    try:
        kept: dict[str, str] = json.loads(home.settings_file.read_text())
    except FileNotFoundError:
        return {}
    return kept
