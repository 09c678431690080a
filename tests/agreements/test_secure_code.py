"""Nowhere in the code that runs in production does a text that somebody sent become code: the sources show it."""

import ast
import re
from collections.abc import Callable, Iterator

import pytest

from tests.agreements.test_image import image_files, imported_modules
from tests.stores import ROOT

RUN_CODE = {"pickle", "marshal", "shelve", "subprocess", "xml", "lxml", "yaml", "ldap3", "memcache", "pymemcache"}
"""Modules that run programs, make any object from bytes, or speak a language that the row of ASVS calls dangerous."""

EVALUATE = {"eval", "exec", "compile", "__import__", "system", "popen", "render_template_string", "Markup"}
"""Functions that take a text for code or markup. `re.compile` is no such one."""

PUT_TOGETHER = (ast.JoinedStr, ast.BinOp)

EXCEPTIONS = {
    "contracts/prepared.py": "prepares the text of a constant, under a name that it counted",
    "contracts/database_session.py": "puts one of two constants before another",
    "contracts/refusals.py": "its formats are constants of the same file",
}
"""Files that put a text together which is no constant by its looks -> why it is one."""


def calls_in_functions(tree: ast.Module) -> Iterator[ast.Call]:
    """Yield the calls that are made after the import, when there are values of requests."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for statement in function.body:
                yield from (node for node in ast.walk(statement) if isinstance(node, ast.Call))


def name_of(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def is_of_regular_expressions(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "re"


def makes_statement(call: ast.Call) -> bool:
    """Return whether a call makes a statement of SQL from anything but a constant text."""
    first = call.args[0] if call.args else None
    if name_of(call) in {"text", "sql"}:
        return not isinstance(first, ast.Constant)
    return name_of(call) in {"execute", "exec_driver_sql"} and isinstance(first, PUT_TOGETHER)


def evaluates(call: ast.Call) -> bool:
    return name_of(call) in EVALUATE and not is_of_regular_expressions(call)


def has_foreign_format(call: ast.Call) -> bool:
    """Return whether the format of a call to `format` is no constant: its values could then read attributes."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in {"format", "format_map"}:
        return False
    source = call.func.value
    name = source.value if isinstance(source, ast.Subscript) else source
    return not isinstance(source, ast.Constant) and not (isinstance(name, ast.Name) and name.id.isupper())


def makes_pattern(call: ast.Call) -> bool:
    """Return whether a regular expression is put together of anything but words that were escaped."""
    first = call.args[0] if call.args else None
    if not is_of_regular_expressions(call) or not isinstance(first, PUT_TOGETHER):
        return False
    values = [node.value for node in ast.walk(first) if isinstance(node, ast.FormattedValue)]
    return isinstance(first, ast.BinOp) or any(ast.unparse(value).partition("(")[0] != "re.escape" for value in values)


Check = Callable[[ast.Call], bool]

SERVER_PACKAGES = {"bridge", "contracts", "migrations", "tasks", "validation", "webapp"}
"""All of the image but the agents, whose rules put patterns together of their own words."""


def found(check: Check, packages: set[str]) -> list[str]:
    named = [path for path in image_files() if path.relative_to(ROOT).parts[0] in packages]
    places = {path: [call for call in calls_in_functions(ast.parse(path.read_text())) if check(call)] for path in named}
    lines = {f"{path.relative_to(ROOT)}": [call.lineno for call in calls] for path, calls in places.items() if calls}
    return [f"{path}: {numbers}" for path, numbers in lines.items() if path not in EXCEPTIONS]


def test_no_statement_is_put_together_of_values() -> None:
    assert found(makes_statement, {*SERVER_PACKAGES, "agents"}) == []


def test_no_text_is_run_and_no_program_is_started() -> None:
    assert found(evaluates, {*SERVER_PACKAGES, "agents"}) == []
    assert set(imported_modules(image_files())) & RUN_CODE == set()


def test_no_format_and_no_regular_expression_comes_from_a_value() -> None:
    assert found(has_foreign_format, SERVER_PACKAGES) == []
    assert found(makes_pattern, SERVER_PACKAGES) == []


def test_no_template_turns_escaping_off() -> None:
    templates = list((ROOT / "webapp" / "templates").glob("*.html"))
    assert templates
    assert [path.name for path in templates if re.search(r"\|\s*safe\b|autoescape", path.read_text())] == []


def test_the_scripts_compare_strictly_and_write_no_member_whose_name_they_were_sent() -> None:
    for path in (ROOT / "webapp" / "static").glob("*.js"):
        assert not re.search(r"[^=!<>]==[^=]|!=[^=]|\w\[[^\]\d'\"]+\] *=[^=]|__proto__", path.read_text()), path.name


@pytest.mark.parametrize(
    ("check", "source"),
    [
        (makes_statement, "text(f'SELECT {x}')"),
        (makes_statement, "text('SELECT ' + x)"),
        (makes_statement, "text(x)"),
        (makes_statement, "cursor.execute('SELECT %s' % x)"),
        (evaluates, "eval(x)"),
        (evaluates, "os.system(x)"),
        (has_foreign_format, "x.format(1)"),
        (has_foreign_format, "request.args['x'].format(1)"),
        (makes_pattern, "re.search(f'a{x}', y)"),
        (makes_pattern, "re.search('a' + x, y)"),
    ],
)
def test_what_is_looked_for_is_found(check: Check, source: str) -> None:
    [call, *_] = calls_in_functions(ast.parse(f"def view():\n    {source}\n"))
    assert check(call)
