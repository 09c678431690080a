"""The documentation names only files and functions that exist: every linked name is defined in the linked file."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.stores import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\[(?P<text>[^\]]+)\]\((?P<target>[^)#\s]*)(?:#[^)\s]*)?\)")
PATH = re.compile(r"`([a-z_]+/[A-Za-z0-9_./-]*)`")
NAME = re.compile(r"`([A-Za-z_][A-Za-z0-9_.]*)`")


@dataclass(frozen=True)
class Link:
    page: Path
    text: str
    target: Path

    @property
    def name(self) -> str | None:
        """The name that a text such as `` `Class.method` `` says is defined in a Python file."""
        match = NAME.fullmatch(self.text)
        return match[1] if match and self.target.suffix == ".py" else None


def links(page: Path, text: str) -> Iterator[Link]:
    for match in LINK.finditer(text):
        target = match["target"]
        if target and "://" not in target:
            yield Link(page, match["text"], (page.parent / target).resolve())


def targets_of(node: ast.stmt) -> Iterable[ast.expr]:
    match node:
        case ast.Assign():
            return node.targets
        case ast.AnnAssign():
            return [node.target]
        case _:
            return []


def defined_names(body: list[ast.stmt], prefix: str = "") -> Iterator[str]:
    """Yield the functions, classes, methods and constants that a module defines, methods as `Class.method`."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield prefix + node.name
        if isinstance(node, ast.ClassDef):
            yield from defined_names(node.body, f"{prefix}{node.name}.")
        yield from (prefix + target.id for target in targets_of(node) if isinstance(target, ast.Name))


def problem(link: Link) -> str | None:
    if not link.target.exists():
        return f"{link.page.name}: {link.text} links to {link.target}, which does not exist"
    if link.name and link.name not in set(defined_names(ast.parse(link.target.read_text()).body)):
        return f"{link.page.name}: {link.name} is not defined in {link.target}"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_that_defines_its_name(page: Path) -> None:
    assert [found for link in links(page, page.read_text()) if (found := problem(link))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_of_the_tree_exists(page: Path) -> None:
    paths = {path for path in PATH.findall(page.read_text()) if (ROOT / path.split("/")[0]).is_dir()}
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []


def test_the_architecture_page_names_a_function_for_most_of_its_links() -> None:
    page = ROOT / "docs" / "architecture.md"
    assert len([link for link in links(page, page.read_text()) if link.name]) > 30


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[`StepRunner.run`](tasks/step.py), [`CATALOGUE`](agents/catalogue.py), [tasks](tasks/)", None),
        ("[`StepRunner.walk`](tasks/step.py)", "StepRunner.walk is not defined in"),
        ("[`run`](tasks/step.py)", "run is not defined in"),
        ("[the step](tasks/stride.py)", "which does not exist"),
        ("[Kafka](https://kafka.apache.org/), [below](#below)", None),
    ],
)
def test_a_wrong_link_is_found(text: str, message: str | None) -> None:
    found = [problem(link) for link in links(ROOT / "README.md", text)]
    assert all(result is None for result in found) if message is None else message in str(found[0])
