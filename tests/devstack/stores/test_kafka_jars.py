"""Kafka's jars: devstack uses only jars that match kafka.lock, whatever the cache or the repository contains."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from devstack.errors import DevstackError
from devstack.stores import kafka_jars, kafka_lock
from devstack.stores.kafka_jars import JarsUnavailable, ensure_jars
from devstack.stores.kafka_lock import Jar, read_lock, sha256_of

CONTENTS = {"one": b"the first jar", "two": b"the second jar" * 10000}


class RecordingHandler(SimpleHTTPRequestHandler):
    """Serves files, records the requested names, and aborts the responses for the names in `aborted`."""

    requested: list[str]
    aborted: set[str]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass

    def do_GET(self) -> None:
        self.requested.append(Path(self.path).name)
        if Path(self.path).name in self.aborted:
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            self.wfile.write(b"only the beginning")
        else:
            super().do_GET()


@pytest.fixture
def jars() -> list[Jar]:
    return [Jar("org.example.of", name, "1.0", hashlib.sha256(body).hexdigest()) for name, body in CONTENTS.items()]


@pytest.fixture
def repository(tmp_path: Path, jars: list[Jar], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory in a Maven repository's layout with both jars, and no Maven on PATH."""
    monkeypatch.setenv("PATH", "")
    root = tmp_path / "repository"
    for jar in jars:
        (root / jar.path).parent.mkdir(parents=True)
        (root / jar.path).write_bytes(CONTENTS[jar.artifact])
    return root


@contextmanager
def http_repository(root: Path, *aborted: str) -> Iterator[tuple[str, list[str]]]:
    """Serve the directory over HTTP; yield its URL and the names of the files that were requested."""
    requested: list[str] = []
    handler = type("Handler", (RecordingHandler,), {"requested": requested, "aborted": set(aborted)})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(root))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", requested
        server.shutdown()


def file_names(cache: Path) -> set[str]:
    return {path.name for path in cache.rglob("*") if path.is_file()}


def test_jars_are_downloaded_once_and_returned_in_the_order_of_the_lock(
    repository: Path, jars: list[Jar], tmp_path: Path
) -> None:
    with http_repository(repository) as (url, requested):
        first = ensure_jars(jars, tmp_path / "cache", url)
        second = ensure_jars(jars, tmp_path / "cache", url)
    assert [path.read_bytes() for path in first] == list(CONTENTS.values())
    assert second == first
    assert sorted(requested) == ["one-1.0.jar", "two-1.0.jar"]


def test_a_downloaded_jar_with_another_digest_is_rejected_and_deleted(
    repository: Path, jars: list[Jar], tmp_path: Path
) -> None:
    (repository / jars[0].path).write_bytes(b"something else")
    with (
        http_repository(repository) as (url, _),
        pytest.raises(JarsUnavailable, match=r"org\.example\.of:one:1\.0 does not match"),
    ):
        ensure_jars(jars, tmp_path / "cache", url)
    assert file_names(tmp_path / "cache") <= {"two-1.0.jar"}


def test_a_changed_or_truncated_jar_in_the_cache_is_downloaded_again(
    repository: Path, jars: list[Jar], tmp_path: Path
) -> None:
    with http_repository(repository) as (url, requested):
        one, two = ensure_jars(jars, tmp_path / "cache", url)
        one.write_bytes(b"something else")
        two.write_bytes(two.read_bytes()[:100])
        requested.clear()
        ensure_jars(jars, tmp_path / "cache", url)
        assert sorted(requested) == ["one-1.0.jar", "two-1.0.jar"]
        one.unlink()
        requested.clear()
        ensure_jars(jars, tmp_path / "cache", url)
        assert requested == ["one-1.0.jar"]
    assert [one.read_bytes(), two.read_bytes()] == list(CONTENTS.values())


def test_an_aborted_download_leaves_no_file_in_the_cache(repository: Path, jars: list[Jar], tmp_path: Path) -> None:
    with http_repository(repository, "two-1.0.jar") as (url, _), pytest.raises(JarsUnavailable, match=r"two:1\.0"):
        ensure_jars(jars, tmp_path / "cache", url)
    assert file_names(tmp_path / "cache") <= {"one-1.0.jar"}


def test_an_unreachable_repository_is_reported(repository: Path, jars: list[Jar], tmp_path: Path) -> None:
    with http_repository(repository) as (url, _):
        pass
    with pytest.raises(JarsUnavailable, match=r"could not be downloaded"):
        ensure_jars(jars, tmp_path / "cache", url)


def test_maven_downloads_the_jars_when_the_repository_fails(
    repository: Path, jars: list[Jar], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maven = tmp_path / "bin" / "mvn"
    maven.parent.mkdir()
    maven.write_text(f'#!/bin/sh\nfor word; do :; done\n/bin/cp -r {repository}/. "${{word#-DoutputDirectory=}}"\n')
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", str(maven.parent))
    with http_repository(tmp_path / "nothing") as (url, _):
        paths = ensure_jars(jars, tmp_path / "cache", url)
    assert [path.read_bytes() for path in paths] == list(CONTENTS.values())


def test_the_lock_names_the_broker_and_every_jar_once() -> None:
    jars = read_lock()
    assert kafka_lock.kafka_version(jars) == "4.4.0"
    assert len({jar.coordinates for jar in jars}) == len(jars)
    assert {jar.version for jar in jars if jar.group == "org.apache.kafka"} == {"4.4.0"}


def test_the_lock_has_the_versions_of_the_pom() -> None:
    pom = kafka_lock.POM.read_text()
    locked = {(jar.artifact, jar.version) for jar in read_lock()}
    for artifact, version in (("kafka_2.13", "4.4.0"), ("log4j-slf4j-impl", "2.24.3"), ("log4j-core", "2.24.3")):
        assert f"<artifactId>{artifact}</artifactId>\n      <version>{version}</version>" in pom
        assert (artifact, version) in locked


def test_an_invalid_line_of_the_lock_is_reported(tmp_path: Path) -> None:
    (tmp_path / "kafka.lock").write_text("# a comment\norg.example:one:1.0 tooshort\n")
    with pytest.raises(DevstackError, match="invalid line"):
        read_lock(tmp_path / "kafka.lock")


def test_a_jar_has_the_path_of_a_maven_repository() -> None:
    jar = Jar("org.apache.kafka", "kafka_2.13", "4.4.0", "0" * 64)
    assert str(jar.path) == "org/apache/kafka/kafka_2.13/4.4.0/kafka_2.13-4.4.0.jar"


def test_the_cache_is_in_the_users_home_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert kafka_jars.cache_directory().is_relative_to(tmp_path)


def test_a_digest_is_sha_256_in_hexadecimal(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    assert sha256_of(tmp_path / "file") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
