"""The exact jars of Apache Kafka: `kafka.lock`, one `group:artifact:version sha256` a line, and how it is made.

Maven makes it (`python -m devstack lock-kafka`), once, from `kafka-pom.xml`, since no resolver in Python chooses the
versions that Maven does.
"""

import hashlib
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from devstack.errors import DevstackError

LOCK_FILE = Path(__file__).with_name("kafka.lock")
POM = Path(__file__).with_name("kafka-pom.xml")
BROKER = "org.apache.kafka:kafka_2.13"


@dataclass(frozen=True)
class Jar:
    """One jar by its coordinates, and what it must contain."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    @property
    def path(self) -> PurePosixPath:
        """Where a Maven repository has it."""
        return PurePosixPath(*self.group.split("."), self.artifact, self.version, self.file_name)

    @property
    def coordinates(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"


def read_lock(path: Path = LOCK_FILE) -> list[Jar]:
    """All jars of the lock. Raises DevstackError for a line that is not one."""
    lines = path.read_text().splitlines()
    return [_parse(path, line) for line in lines if line and not line.startswith("#")]


def _parse(path: Path, line: str) -> Jar:
    match = re.fullmatch(r"([^:\s]+):([^:\s]+):([^:\s]+) ([0-9a-f]{64})", line)
    if not match:
        raise DevstackError(f"{path}: not a jar: {line!r}. Make the file anew with: python -m devstack lock-kafka")
    return Jar(*match.groups())


def kafka_version(jars: list[Jar]) -> str:
    """The broker's own version."""
    return next(jar.version for jar in jars if jar.coordinates.startswith(f"{BROKER}:"))


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def copy_with_maven(repository: Path) -> None:
    """Let Maven fetch everything into a directory of its own layout. Raises DevstackError when it cannot."""
    goal = ["dependency:copy-dependencies", "-Dmdep.useRepositoryLayout=true", "-DincludeScope=runtime"]
    argv = ["mvn", "-q", "-B", "-f", str(POM), *goal, f"-DoutputDirectory={repository}"]
    try:
        told = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=600)  # noqa: S603 - our own words
    except (OSError, subprocess.TimeoutExpired) as failed:
        raise DevstackError(f"Maven (mvn) could not be run: {failed}") from failed
    if told.returncode:
        raise DevstackError(f"Maven could not fetch Kafka's jars:\n{told.stdout[-2000:]}{told.stderr[-2000:]}".rstrip())


def write_lock(path: Path = LOCK_FILE) -> list[Jar]:
    """Make the lock from what Maven chooses for the pom."""
    with tempfile.TemporaryDirectory() as directory:
        repository = Path(directory).resolve()
        copy_with_maven(repository)
        jars = [_locate(repository, jar) for jar in sorted(repository.rglob("*.jar"))]
    header = "# Made by `python -m devstack lock-kafka` from kafka-pom.xml; not to be edited by hand.\n"
    path.write_text(header + "".join(f"{jar.coordinates} {jar.sha256}\n" for jar in jars))
    return jars


def _locate(repository: Path, path: Path) -> Jar:
    *group, artifact, version, name = path.relative_to(repository).parts
    jar = Jar(".".join(group), artifact, version, sha256_of(path))
    if jar.file_name != name:
        raise DevstackError(f"{name} has a classifier, which the lock cannot say.")
    return jar
