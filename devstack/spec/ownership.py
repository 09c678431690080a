"""Decides whether a directory may be used for a stack: only a missing one, an empty one, or one with our marker.

`up` changes permissions and writes files, so it must not touch what a person keeps in a directory. Servers that
a person put into it for the stack (`devstack/stores/servers.py`) do not count.
"""

import os
import re
from contextlib import suppress
from pathlib import Path

from devstack.errors import DevstackError, NotUp
from devstack.spec.layout import StackDir
from devstack.spec.stack import load

CHOOSE = "Choose an empty or a new folder with --dir (make up DIR=...)."


def require_usable(stack_dir: StackDir) -> None:
    """Check, without changing anything, that `up` may use the directory. Raises DevstackError with the reason."""
    root = stack_dir.root
    _require_name(root)
    try:
        _require_own_place(stack_dir)
    except OSError as error:
        raise DevstackError(f"{root} cannot be used: {error.strerror}. {CHOOSE}") from None


def _require_name(root: Path) -> None:
    try:
        os.fsencode(root).decode()
    except UnicodeDecodeError:
        raise DevstackError(f"{str(root)!r} cannot be used: its name is not valid UTF-8. {CHOOSE}") from None
    if not str(root).isprintable():
        raise DevstackError(f"{str(root)!r} cannot be used: its name has a control character. {CHOOSE}")
    if re.search(r"[$(]\(circus\.", str(root), re.IGNORECASE):
        raise DevstackError(f"{root} cannot be used: the process manager would replace a part of its name. {CHOOSE}")


def _require_own_place(stack_dir: StackDir) -> None:
    root = stack_dir.root
    for parent in root.parents:
        if StackDir(parent).marker.is_file():
            raise DevstackError(f"{root} cannot be used: it is inside {parent}, the folder of another stack. {CHOOSE}")
    if not root.exists():
        _require_creatable(root)
        return
    if not root.is_dir():
        raise DevstackError(f"{root} cannot be used: it is a file. {CHOOSE}")
    if not _is_own(stack_dir) and any(path != stack_dir.servers_directory for path in root.iterdir()):
        raise DevstackError(f"{root} cannot be used: it has files that are not of a stack. {CHOOSE}")
    owner = root.stat().st_uid
    if owner != os.geteuid() and os.geteuid() != 0:
        raise DevstackError(f"{root} cannot be used: it belongs to another account (uid {owner}). {CHOOSE}")
    if not os.access(root, os.W_OK | os.X_OK):
        raise DevstackError(f"{root} cannot be used: it cannot be written to. {CHOOSE}")


def _require_creatable(root: Path) -> None:
    parent = next(parent for parent in root.parents if parent.exists())
    if not parent.is_dir():
        raise DevstackError(f"{root} cannot be created: {parent} is a file. {CHOOSE}")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise DevstackError(f"{root} cannot be created: {parent} cannot be written to. {CHOOSE}")


def _is_own(stack_dir: StackDir) -> bool:
    """Return whether devstack created the directory; those of versions without a marker have a stack.json."""
    if stack_dir.marker.is_file():
        return True
    with suppress(NotUp):
        load(stack_dir)
        return True
    return False
