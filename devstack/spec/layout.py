"""Defines the layout of a stack's directory.

DIR/.thoughts-stack  marks the directory as one of devstack, which may change everything in it
DIR/stack.json       options, processes and addresses of the last `up` (mode 0600: it holds the stores' passwords)
DIR/settings.json    settings of `up --set` (mode 0600: settings may be secrets)
DIR/secrets/         SECRET_KEY and the stores' passwords, generated once, mode 0600
DIR/logs/NAME.log    output of each process, appended to and rotated
DIR/run/             locks, the manager's sockets, a record for each process (NAME.json), heartbeats, beat.schedule
DIR/postgres, DIR/redis, DIR/kafka   the stores' data, kept by `down` and used by the next `up`
DIR/servers          servers of other versions, if a person puts them there (devstack/stores/servers.py)

Other accounts may traverse DIR and DIR/logs, because PostgreSQL may run as one of them, but can read nothing: logs and
stores hold people's thoughts.
"""

import os
import re
import secrets
import shlex
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
"""Root of the project, and working directory of every process of the stack."""

MAX_SOCKET_PATH = 100
"""Bytes. The path of a Unix socket may have 107 bytes on Linux and 103 elsewhere; sockets with longer paths go into a
directory under the system's temporary directory."""

MAX_TEMPORARY_ROOT = 60
"""Characters. The names of a directory and a socket are added."""


@dataclass(frozen=True)
class StackDir:
    """The directory of one stack."""

    root: Path

    @property
    def option(self) -> str:
        """The option of the command line that names this directory, for commands in messages."""
        return f"--dir {shlex.quote(str(self.root))}"

    @property
    def marker(self) -> Path:
        return self.root / ".thoughts-stack"

    @property
    def run_directory(self) -> Path:
        return self.root / "run"

    @property
    def log_directory(self) -> Path:
        return self.root / "logs"

    @property
    def stack_file(self) -> Path:
        return self.root / "stack.json"

    @property
    def settings_file(self) -> Path:
        return self.root / "settings.json"

    @property
    def manager_lock(self) -> Path:
        return self.run_directory / "manager.lock"

    @property
    def up_lock(self) -> Path:
        return self.run_directory / "up.lock"

    @property
    def control_lock(self) -> Path:
        return self.run_directory / "control.lock"

    @property
    def servers_directory(self) -> Path:
        return self.root / "servers"

    def log_file(self, name: str) -> Path:
        return self.log_directory / f"{name}.log"

    def open_log(self, name: str) -> Path:
        """Create the log unless it exists, make it readable by its owner only, and return its path."""
        path = self.log_file(name)
        path.touch(mode=0o600)
        restrict_mode(path, allowed=0o600)
        return path

    def ensure_private_directory(self, name: str) -> Path:
        """Create a directory in DIR unless it exists, make it accessible to its owner only, and return its path."""
        path = self.root / name
        path.mkdir(mode=0o700, exist_ok=True)
        restrict_mode(path, allowed=0o700)
        return path

    def record_file(self, name: str) -> Path:
        return self.run_directory / f"{name}.json"

    def heartbeat_file(self, name: str) -> Path:
        return self.run_directory / f"{name}.heartbeat"

    def prepare(self) -> None:
        """Create the directory and its private subdirectories, and correct their permissions.

        The marker is the first file, so that the directory is recognised after an interrupt at any moment.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        self.marker.touch(mode=0o600)
        for directory in (self.root, self.log_directory):
            directory.mkdir(exist_ok=True)
            directory.chmod(0o711)
        for directory in (self.run_directory, self.root / "secrets"):
            directory.mkdir(mode=0o700, exist_ok=True)
        if not (ignored := self.root / ".gitignore").exists():
            write_private(ignored, "*\n")
        self.ensure_socket_directory()  # created now, so that the manager and its clients use the same one

    def secret(self, name: str) -> str:
        """Return the stored random text of this name, generating it on first use."""
        path = self.root / "secrets" / name
        if not path.exists():
            write_private(path, secrets.token_urlsafe(32))
        return path.read_text()

    def ensure_socket_directory(self) -> Path:
        """Return the directory of the manager's sockets: DIR/run, or a temporary one if that path is too long."""
        if len(os.fsencode(self.run_directory / "control.sock")) < MAX_SOCKET_PATH:
            return self.run_directory
        return self.ensure_temporary_directory("sockets")

    def ensure_temporary_directory(self, purpose: str) -> Path:
        """Return this stack's directory for a purpose outside DIR, whose path is short and plain; DIR/run stores it."""
        pointer_file = self.run_directory / purpose
        with suppress(FileNotFoundError):
            if (existing := Path(pointer_file.read_text())).is_dir() and existing.stat().st_uid == os.getuid():
                return existing
        created = Path(tempfile.mkdtemp(prefix="devstack-", dir=_plain_temporary_root()))
        write_private(pointer_file, str(created))
        return created


def _plain_temporary_root() -> str:
    """Return the directory for temporary files, or /tmp if its path is long or has unusual characters."""
    root = tempfile.gettempdir()
    return root if len(root) <= MAX_TEMPORARY_ROOT and re.fullmatch(r"[A-Za-z0-9/._-]+", root) else "/tmp"  # noqa: S108 - mkdtemp


def restrict_mode(path: Path, *, allowed: int) -> None:
    """Remove every permission of a file or directory that is not in `allowed`."""
    mode = path.stat().st_mode & 0o777
    if mode & ~allowed:
        path.chmod(mode & allowed)


def write_private(path: Path, text: str) -> None:
    """Write a file atomically, readable by its owner only."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w") as stream:
            stream.write(text)
        Path(temporary).replace(path)
    except OSError:  # the disk is full; without this, every attempt would leave a file
        Path(temporary).unlink(missing_ok=True)
        raise
