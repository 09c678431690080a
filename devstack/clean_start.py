"""Restarts devstack without the variables that change how Python itself runs, before anything else is imported.

PYTHONWARNINGS=error turns a library's deprecation into a traceback, and with the encoding of some locales a path in
stack.json would not be the same for the next command. Imports nothing of the project, nor of a library.
"""

import os
import sys

KEPT = ("PYTHONIOENCODING", "PYTHONUTF8", "PYTHONUNBUFFERED")
PREFIXES = ("PYTHON", "LD_PRELOAD", "LD_AUDIT", "DYLD_", "MALLOC_", "GLIBC_TUNABLES", "ASAN_OPTIONS")


def ensure_clean_start() -> None:
    """Replace this process by the same command with a clean environment, unless it has one."""
    environment = {name: value for name, value in os.environ.items() if name in KEPT or not name.startswith(PREFIXES)}
    if sys.getfilesystemencoding() != "utf-8":
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        environment = {"PYTHONIOENCODING": f"{encoding}:backslashreplace"} | environment | {"PYTHONUTF8": "1"}
    if environment != dict(os.environ) and sys.executable:
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # noqa: S606 - the same command
