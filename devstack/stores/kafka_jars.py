"""Caches Apache Kafka's jars for the user, from a Maven repository, and verifies them at every use.

A jar is used only when its SHA-256 equals that of kafka.lock. It is written to a temporary file and renamed after the
check, so that an interrupted download or a changed file is never run.
"""

import os
import shutil
import tempfile
import urllib.request
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from threading import Event
from typing import IO
from urllib.error import HTTPError

import platformdirs

from devstack import console
from devstack.errors import DevstackError
from devstack.stores.kafka_lock import Jar, copy_with_maven, sha256_of

MAVEN_CENTRAL = "https://" + ".".join(("repo1", "maven", "org")) + "/maven2"
"""Maven Central, where Apache Kafka is published."""

PARALLEL_DOWNLOADS = 8
DOWNLOAD_TIMEOUT_SECONDS = 20.0
"""Seconds without a received byte after which a download fails."""


class JarsUnavailable(DevstackError):  # noqa: N818 - a state, as NotUp
    """Raised when Kafka's jars are neither in the cache nor available for download."""


def cache_directory(without_home: Path | None = None) -> Path:
    """Return the user's cache of jars; its paths contain digests, so that versions of kafka.lock can share it.

    An account without a home directory has no cache; it gets one in `without_home`.
    """
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("HOME", "")
    if without_home and not Path(home or "/nonexistent").is_dir():
        return without_home / "jars"
    return Path(platformdirs.user_cache_dir("thoughts-devstack", appauthor=False)) / "jars"


def ensure_jars(jars: list[Jar], cache: Path, repository: str | None = None) -> list[Path]:
    """Download the jars that are missing from the cache or invalid, and return the paths of all.

    Downloads from the repository (a URL; Maven Central when it is None), and with Maven, where it is installed, if that
    fails. Raises JarsUnavailable with the reason.
    """
    missing = [jar for jar in jars if not _is_valid(jar, cache)]
    if missing:
        _download(missing, cache, repository or MAVEN_CENTRAL)
    return [_cache_path(jar, cache) for jar in jars]


def _download(missing: list[Jar], cache: Path, repository: str) -> None:
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise JarsUnavailable(f"{cache} cannot be created: {error.strerror}") from None
    console.print_line(f"Downloading Apache Kafka: {len(missing)} jars, at most 43 MB, into {cache}")
    try:
        _download_from_repository(missing, cache, repository)
    except JarsUnavailable:
        if not shutil.which("mvn"):
            raise
        console.print_line("The download failed. Trying Maven instead.")
        _download_with_maven(missing, cache)
    finally:
        console.clear_progress()


def _download_from_repository(missing: list[Jar], cache: Path, repository: str) -> None:
    cancelled = Event()
    with ThreadPoolExecutor(PARALLEL_DOWNLOADS) as pool:
        tasks = [pool.submit(_download_jar, jar, cache, repository, cancelled) for jar in missing]
        try:
            for done, task in enumerate(as_completed(tasks), 1):
                task.result()
                console.print_progress(f"  {done} of {len(missing)} jars")
        finally:  # after an error or an interrupt, stop the other downloads
            cancelled.set()
            pool.shutdown(wait=True, cancel_futures=True)


def _download_jar(jar: Jar, cache: Path, repository: str, cancelled: Event) -> None:
    address = f"{repository.rstrip('/')}/{jar.path}"
    try:
        with urllib.request.urlopen(address, timeout=DOWNLOAD_TIMEOUT_SECONDS) as response:  # noqa: S310 - the caller chooses the scheme
            _store(jar, cache, _chunks(response, cancelled))
    except HTTPError as error:
        error.close()
        raise JarsUnavailable(f"{jar.coordinates} could not be downloaded: {error}") from error
    except (OSError, HTTPException) as error:
        raise JarsUnavailable(f"{jar.coordinates} could not be downloaded: {error}") from error


def _chunks(source: IO[bytes], cancelled: Event) -> Iterator[bytes]:
    while not cancelled.is_set() and (chunk := source.read(65536)):
        yield chunk


def _download_with_maven(missing: list[Jar], cache: Path) -> None:
    with tempfile.TemporaryDirectory() as directory:
        try:
            copy_with_maven(Path(directory).resolve())
        except DevstackError as error:
            raise JarsUnavailable(str(error)) from error
        for jar in missing:
            _store_file(jar, cache, Path(directory) / jar.path)


def _store_file(jar: Jar, cache: Path, source: Path) -> None:
    try:
        with source.open("rb") as stream:
            _store(jar, cache, _chunks(stream, Event()))
    except FileNotFoundError as error:
        raise JarsUnavailable(f"Maven did not download {jar.coordinates}") from error


def _store(jar: Jar, cache: Path, content: Iterable[bytes]) -> None:
    """Write a temporary file, verify it and rename it. Raises JarsUnavailable when its digest is not the lock's."""
    with tempfile.NamedTemporaryFile(dir=cache, prefix=".part-", delete=False) as stream:
        part = Path(stream.name)
        try:
            stream.writelines(content)
            stream.flush()
            if (digest := sha256_of(part)) != jar.sha256:
                raise JarsUnavailable(
                    f"{jar.coordinates} does not match kafka.lock (its SHA-256 is {digest}), so it was deleted."
                )
            _cache_path(jar, cache).parent.mkdir(exist_ok=True)
            part.replace(_cache_path(jar, cache))
        finally:
            with suppress(FileNotFoundError):
                part.unlink()


def _cache_path(jar: Jar, cache: Path) -> Path:
    return cache / jar.sha256[:16] / jar.file_name


def _is_valid(jar: Jar, cache: Path) -> bool:
    path = _cache_path(jar, cache)
    return path.is_file() and sha256_of(path) == jar.sha256
