"""`run`: a module of the project with the addresses and the settings that the stack's own processes have."""

import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress

from devstack.commands.environment import compose
from devstack.spec.layout import PROJECT, Home, write_private
from devstack.spec.ports import Ports
from devstack.spec.stack import Stack


def remember(home: Home, chosen: Mapping[str, str]) -> None:
    """Keep what `up --set` chose, for its owner alone to read: settings may be secrets."""
    write_private(home.settings_file, json.dumps(dict(chosen)))


def environment(home: Home, stack: Stack) -> dict[str, str]:
    """What the stack's processes were given, as far as it was not only in the environment of `up`."""
    variables = compose(home, Ports(stack.port_base), _remembered(home))
    if stack.kafka_bootstrap is None:
        variables["KAFKA_ENABLED"] = "false"
    return variables


def run(home: Home, stack: Stack, words: list[str]) -> int:
    """Run `python -m WORDS` to its end and return its exit status. A Ctrl-C is the module's: it ends in its own way."""
    argv = [sys.executable, "-m", *words]
    with subprocess.Popen(argv, env=environment(home, stack), cwd=PROJECT) as module:  # noqa: S603 - the person's own words
        while True:
            with suppress(KeyboardInterrupt):
                return module.wait()


def _remembered(home: Home) -> dict[str, str]:
    try:
        kept: dict[str, str] = json.loads(home.settings_file.read_text())
    except FileNotFoundError:
        return {}
    return kept
