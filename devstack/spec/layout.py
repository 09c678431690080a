"""Where a stack keeps what: the layout of its directory.

DIR/stack.json       what the last `up` was asked for and its addresses (mode 0600: it holds the stores' passwords)
DIR/settings.json    what `up --set` chose (mode 0600: settings may be secrets)
DIR/secrets/         SECRET_KEY and the stores' passwords, made once, mode 0600
DIR/logs/NAME.log    what each process wrote, appended to and bounded
DIR/run/             locks, the manager's sockets, a record for each process (NAME.json), heartbeats, beat.schedule
DIR/postgres, DIR/redis, DIR/kafka   the stores' data; they survive `down` and the next `up`

Others may walk through DIR and DIR/logs, since PostgreSQL's account may be another one, but read nothing: logs and
stores hold people's thoughts.
"""

import os
import secrets
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
"""The root of the project: the working directory of every process of the stack."""

MAX_SOCKET_PATH = 100
"""A unix socket's path may have 107 bytes on Linux and 103 elsewhere; longer ones get a directory under the system's
temporary one."""


@dataclass(frozen=True)
class StackDir:
    """The directory of one stack."""

    root: Path

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def stack_file(self) -> Path:
        return self.root / "stack.json"

    @property
    def settings_file(self) -> Path:
        return self.root / "settings.json"

    @property
    def manager_lock(self) -> Path:
        return self.run / "manager.lock"

    @property
    def up_lock(self) -> Path:
        return self.run / "up.lock"

    @property
    def control_lock(self) -> Path:
        return self.run / "control.lock"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def open_log(self, name: str) -> Path:
        """The log, made if need be, for its owner alone to read."""
        path = self.log(name)
        path.touch(mode=0o600)
        restrict_mode(path, allowed=0o600)
        return path

    def private(self, name: str) -> Path:
        """A directory in DIR that is its owner's alone, made if need be."""
        path = self.root / name
        path.mkdir(mode=0o700, exist_ok=True)
        restrict_mode(path, allowed=0o700)
        return path

    def record(self, name: str) -> Path:
        return self.run / f"{name}.json"

    def heartbeat(self, name: str) -> Path:
        return self.run / f"{name}.heartbeat"

    def prepare(self) -> None:
        """Make the directory; what is private in it is closed to others."""
        for directory in (self.root, self.logs):
            directory.mkdir(parents=True, exist_ok=True)
            restrict_mode(directory, allowed=0o711)
        for directory in (self.run, self.root / "secrets"):
            directory.mkdir(mode=0o700, exist_ok=True)
        write_private(self.root / ".gitignore", "*\n")
        self.socket_directory()  # made now, so that the manager and those who talk to it find the same one

    def secret(self, name: str) -> str:
        """A random text that is made once and kept."""
        path = self.root / "secrets" / name
        if not path.exists():
            write_private(path, secrets.token_urlsafe(32))
        return path.read_text()

    def socket_directory(self) -> Path:
        """Where the manager's sockets can lie: in DIR, or under the temporary directory when DIR's path is too long."""
        if len(os.fsencode(self.run / "control.sock")) < MAX_SOCKET_PATH:
            return self.run
        kept = self.run / "sockets"
        with suppress(FileNotFoundError):
            if (linked := Path(kept.read_text())).is_dir() and linked.stat().st_uid == os.getuid():
                return linked
        made = Path(tempfile.mkdtemp(prefix="devstack-"))
        write_private(kept, str(made))
        return made


def restrict_mode(path: Path, *, allowed: int) -> None:
    """Take from a file or directory every permission that is not in `but`."""
    mode = path.stat().st_mode & 0o777
    if mode & ~allowed:
        path.chmod(mode & allowed)


def write_private(path: Path, text: str) -> None:
    """Put a file in place whole, readable by its owner alone."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(handle, "w") as stream:
        stream.write(text)
    Path(temporary).replace(path)
