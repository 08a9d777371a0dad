"""The house rules a program can check: who imports whom, and what must never be."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = {"commands", "parsers", "pipeline", "webapp", "tallylog", "docs", "tests", "bench"}
ROOMS = ("commands", "parsers", "pipeline", "webapp")
MAY_IMPORT = {
    "parsers": {"parsers"},
    "pipeline": {"parsers", "pipeline"},
    "webapp": {"parsers", "pipeline", "webapp"},
    "commands": {"commands", "parsers", "pipeline", "webapp"},
    "tallylog": {"commands", "parsers", "pipeline", "webapp", "tallylog"},
}
SHIPPED = sorted(
    [
        ROOT / "tallylog.py",
        *(p for room in ROOMS for p in (ROOT / room).rglob("*.py")),
    ]
)
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path) -> Iterator[str]:
    """The full names of modules that a file imports, wherever in it the statement stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}: relative import"
            yield node.module or ""


def imported_rooms(path: Path) -> set[str]:
    return {module.split(".")[0] for module in imports(path)} & OURS


@pytest.mark.parametrize("path", SHIPPED, ids=name)
def test_imports_point_one_way(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0].removesuffix(".py")
    assert imported_rooms(path) <= MAY_IMPORT[room]


@pytest.mark.parametrize("declaration", ["parsers/raw.py", "pipeline/schema.py"])
def test_declarations_import_nothing_of_ours(declaration: str) -> None:
    assert imported_rooms(ROOT / declaration) == set()


def test_the_reference_shares_no_code_with_what_it_checks() -> None:
    for path in (ROOT / "tests" / "reference").rglob("*.py"):
        assert imported_rooms(path) <= {"tests"}, name(path)


def test_the_web_knows_neither_sql_nor_parquet() -> None:
    for path in (ROOT / "webapp").rglob("*.py"):
        engines = {module.split(".")[0] for module in imports(path)}
        assert not engines & {"duckdb", "polars", "pyarrow", "sqlalchemy"}, name(path)


def test_no_module_is_named_after_nothing() -> None:
    assert not [name(path) for path in SHIPPED if path.stem in {"utils", "util", "helpers", "misc"}]


@pytest.mark.parametrize("path", SHIPPED + TESTS, ids=name)
def test_no_exception_is_swallowed(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ExceptHandler):
            continue
        assert node.type is not None, f"{name(path)}:{node.lineno} has a bare except"
        wide = isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}
        raises = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
        assert raises or not wide, f"{name(path)}:{node.lineno} catches everything"


@pytest.mark.parametrize("path", TESTS, ids=name)
def test_no_test_sleeps_to_wait(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        called = node.func if isinstance(node, ast.Call) else None
        label = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        assert label != "sleep", f"{name(path)}:{node.lineno}"


def test_long_files_and_functions_are_listed() -> None:
    """Only a report, shown with `pytest -s`: a long one may have its reason."""
    for path in SHIPPED:
        text = path.read_text(encoding="utf-8")
        if (lines := text.count("\n")) > 250:
            print(f"{name(path)}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and (n := length(node)) > 30:
                print(f"{name(path)}:{node.lineno} {node.name}: {n} lines")


def length(function: ast.FunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1
