"""Apache Kafka's jars on this machine: a cache for the user, filled from a Maven repository, checked at every use.

A jar is believed only when its SHA-256 is the lock's; it is written aside and moved into place whole, so that neither
an interrupted download nor a changed file is ever run.
"""

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

CENTRAL = "https://" + ".".join(("repo1", "maven", "org")) + "/maven2"
"""Maven Central, where Apache Kafka is published."""

PARALLEL_DOWNLOADS = 8
TIMEOUT_SECONDS = 20.0
"""Seconds without a byte after which a download counts as failed."""


class JarsUnavailable(DevstackError):  # noqa: N818 - says what is, as NotUp does
    """Raised when Kafka's jars are neither in the cache nor to be fetched."""


def cache_directory() -> Path:
    """The user's cache of jars; its files are named by their content, so that versions of the lock share it."""
    return Path(platformdirs.user_cache_dir("thoughts-devstack", appauthor=False)) / "jars"


def ensure_jars(jars: list[Jar], cache: Path, repository: str | None = None) -> list[Path]:
    """The paths of all jars, fetched where they are missing or not what they must be.

    Asks the repository (a URL; the public one when it is None) first and Maven, where it is installed, second.
    Raises JarsMissing with the reason.
    """
    wanted = [jar for jar in jars if not _is_valid(jar, cache)]
    if wanted:
        _fetch(wanted, cache, repository or CENTRAL)
    return [_cache_path(jar, cache) for jar in jars]


def _fetch(wanted: list[Jar], cache: Path, repository: str) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    console.print_line(f"Fetching Apache Kafka: {len(wanted)} jars, 43 MB at most, kept in {cache}")
    try:
        _download_all(wanted, cache, repository)
    except JarsUnavailable:
        if not shutil.which("mvn"):
            raise
        console.print_line("That failed; asking Maven instead.")
        _copy_from_maven(wanted, cache)
    finally:
        console.clear_progress()


def _download_all(wanted: list[Jar], cache: Path, repository: str) -> None:
    given_up = Event()
    with ThreadPoolExecutor(PARALLEL_DOWNLOADS) as pool:
        tasks = [pool.submit(_download, jar, cache, repository, given_up) for jar in wanted]
        try:
            for done, task in enumerate(as_completed(tasks), 1):
                task.result()
                console.print_progress(f"  {done} of {len(wanted)} jars")
        finally:  # an interrupt too must not wait for the rest
            given_up.set()
            pool.shutdown(wait=True, cancel_futures=True)


def _download(jar: Jar, cache: Path, repository: str, given_up: Event) -> None:
    address = f"{repository.rstrip('/')}/{jar.path}"
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - the scheme is the caller's word
            _store(jar, cache, _chunks(answer, given_up))
    except HTTPError as refused:
        refused.close()
        raise JarsUnavailable(f"{jar.coordinates} could not be fetched: {refused}") from refused
    except (OSError, HTTPException) as failed:
        raise JarsUnavailable(f"{jar.coordinates} could not be fetched: {failed}") from failed


def _chunks(source: IO[bytes], given_up: Event) -> Iterator[bytes]:
    while not given_up.is_set() and (chunk := source.read(65536)):
        yield chunk


def _copy_from_maven(wanted: list[Jar], cache: Path) -> None:
    with tempfile.TemporaryDirectory() as directory:
        try:
            copy_with_maven(Path(directory).resolve())
        except DevstackError as failed:
            raise JarsUnavailable(str(failed)) from failed
        for jar in wanted:
            _store_file(jar, cache, Path(directory) / jar.path)


def _store_file(jar: Jar, cache: Path, source: Path) -> None:
    try:
        with source.open("rb") as opened:
            _store(jar, cache, _chunks(opened, Event()))
    except FileNotFoundError as missing:
        raise JarsUnavailable(f"Maven did not bring {jar.coordinates}") from missing


def _store(jar: Jar, cache: Path, content: Iterable[bytes]) -> None:
    """Write aside, check, move into place. Raises JarsMissing when the content is not the lock's."""
    with tempfile.NamedTemporaryFile(dir=cache, prefix=".part-", delete=False) as stream:
        part = Path(stream.name)
        try:
            stream.writelines(content)
            stream.flush()
            if (found := sha256_of(part)) != jar.sha256:
                raise JarsUnavailable(
                    f"{jar.coordinates} is not what kafka.lock says (SHA-256 {found}); it was not kept."
                )
            _cache_path(jar, cache).parent.mkdir(exist_ok=True)
            part.replace(_cache_path(jar, cache))
        finally:
            with suppress(FileNotFoundError):
                part.unlink()


def _cache_path(jar: Jar, cache: Path) -> Path:
    return cache / jar.sha256[:16] / jar.file_name


def _is_valid(jar: Jar, cache: Path) -> bool:
    place = _cache_path(jar, cache)
    return place.is_file() and sha256_of(place) == jar.sha256
