"""A stack runs in a folder of any name that a person can type, in every locale."""

import json
import os
from pathlib import Path

import pytest

from devstack.errors import DevstackError
from devstack.spec.layout import StackDir
from devstack.spec.ownership import require_usable
from devstack.stores import kafka, postgres_account
from devstack.stores.plain_paths import PLAIN, plain_path
from tests.devstack.stacks import POSTGRES_AND_REDIS, STORES_WITH_KAFKA, devstack, down, fetch_row, status, up
from tests.ports import free_port_base

TORTURE = 'prüfung, 100% "it\'s" #1 $HOME `x` \\ (( )) {a} [b] & ; é😀 $(echo) :/' + "long" * 30

LOCALES = ({"LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0"}, {"LANG": "de_DE.ISO-8859-1", "LC_ALL": ""})


@pytest.mark.parametrize("variables", LOCALES[:1])
def test_kafka_keeps_its_data_in_a_folder_with_signs_that_its_formats_interpret(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    directory, port_base = tmp_path / TORTURE, free_port_base()
    for _ in range(2):
        up(directory, port_base, *STORES_WITH_KAFKA, environment=os.environ | variables)
        description = json.loads(devstack("status", "--dir", str(directory), "--json").stdout)
        assert [process["ready"] for process in description["processes"]] == [True] * 3
        down(directory)
    assert (directory / "kafka" / "data" / "meta.properties").is_file()
    assert [path for path in tmp_path.iterdir() if path.name not in (TORTURE.partition("/")[0], "logs")] == []


@pytest.mark.parametrize("variables", LOCALES)
@pytest.mark.parametrize("name", ["prüfung", "a b", "100%", "日本語", "-x", "a=b", "x" * 200])
def test_postgresql_and_redis_run_in_any_folder_and_locale(
    tmp_path: Path, name: str, variables: dict[str, str]
) -> None:
    up(tmp_path / name, free_port_base(), *POSTGRES_AND_REDIS, environment=os.environ | variables)
    try:
        assert fetch_row(tmp_path / name, "SELECT '5 €'") == ("5 €",)
        assert all(process["ready"] for process in status(tmp_path / name)["processes"])
    finally:
        down(tmp_path / name)


@pytest.mark.parametrize("name", ["prüfung", "a,b", "a b", "a:b", "a%20b", "a#b", "a\\b", "日本語"])
def test_java_gets_only_plain_paths_that_lead_to_the_same_folders(tmp_path: Path, name: str) -> None:
    stack_dir = StackDir(tmp_path / name)
    stack_dir.prepare()
    stack_dir.ensure_private_directory("kafka")
    jar = tmp_path / name / "cache" / "digest" / "kafka.jar"
    process = kafka.process(stack_dir, [jar])
    paths = [argument.rpartition("=")[2] for argument in process.argv[-3:] if "/" in argument]
    assert len(paths) == 2
    for path in [*paths, *process.environment["CLASSPATH"].split(":")]:
        assert PLAIN.fullmatch(path)
    assert Path(paths[1]).parent.resolve() == stack_dir.root / "kafka"
    assert plain_path(stack_dir, jar.parent.parent).resolve() == jar.parent.parent


def test_a_plain_folder_needs_no_link(tmp_path: Path) -> None:
    assert plain_path(StackDir(tmp_path), tmp_path) == tmp_path


@pytest.mark.parametrize("root", ["/tmp/prüfung", "/tmp/" + "x" * 90])
def test_links_and_sockets_are_in_a_short_and_plain_directory_whatever_tmpdir_is(
    tmp_path: Path, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: root)
    stack_dir = StackDir(tmp_path / ("x" * 120))
    stack_dir.prepare()
    assert str(stack_dir.ensure_socket_directory()).startswith("/tmp/devstack-")


@pytest.mark.parametrize("name", ["$(circus.pid)", "((circus.wid))"])
def test_a_name_that_the_process_manager_would_replace_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DevstackError, match="process manager"):
        require_usable(StackDir(tmp_path / name))


@pytest.mark.parametrize("name", ['a"b', "$HOME", "`x`", "a\\b"])
def test_a_project_in_a_folder_that_initdb_cannot_quote_is_refused_in_one_line(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_account, "binaries", lambda: tmp_path / name / "bin")
    with pytest.raises(DevstackError, match="Move the project") as raised:
        postgres_account.require_usable(tmp_path / "data")
    assert "\n" not in str(raised.value)
