"""How Python code is written here, as far as a linter does not know it.

Here: docstrings that state a module's borders, and the length of functions. Not here: imports
(`test_layers`), or anything that ruff checks.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from dagster_project.settings import PROJECT_ROOT

MAXIMUM_FUNCTION_LINES = 50
MODULES = [
    path.relative_to(PROJECT_ROOT).as_posix()
    for folder in ("dagster_project", "tests", "benchmarks")
    for path in sorted((PROJECT_ROOT / folder).rglob("*.py"))
]


def parsed(module: str) -> ast.Module:
    """Syntax tree of a file of the repository."""
    return ast.parse(Path(PROJECT_ROOT, module).read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", MODULES)
def test_a_module_says_what_belongs_in_it_and_what_does_not(module: str) -> None:
    docstring = " ".join((ast.get_docstring(parsed(module)) or "").split())
    assert docstring
    if module.startswith("dagster_project/") and not module.endswith("__init__.py"):
        assert "Here:" in docstring
        assert "Not here:" in docstring


@pytest.mark.parametrize("module", MODULES)
def test_functions_are_short(module: str) -> None:
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(parsed(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= MAXIMUM_FUNCTION_LINES
    ]
    assert long == []
