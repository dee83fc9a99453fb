"""Which part of the code may import which: the table, and the test that holds it.

Here: imports and reads of the clock. Not here: what functions look like (`test_modules`).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from dagster_project.settings import PROJECT_ROOT

PACKAGE = "dagster_project"
BASE = ("errors", "settings")
BASE_AND_FILES = (*BASE, "sql_text", "private_files")
LAKE = (*BASE_AND_FILES, "contracts", "rulebook", "sql_models", "sources")

# Module or package -> what else of the project it may import; the longest entry that fits counts.
# The vault alone sees a person; the modules that name it here are the ways to it.
LAYERS: dict[str, tuple[str, ...]] = {
    "": (),
    "errors": (),
    "sql_text": (),
    "private_files": ("errors",),
    "settings": ("errors",),
    "rulebook": BASE,
    "rules": (),
    "rules.capitation_rulebook": ("errors", "rulebook"),
    "rules.incentive_scheme": ("errors", "rulebook", "rules"),
    "contracts": BASE,
    "sql_models": (*BASE, "contracts"),
    "rules.personal_budget_rulebook": ("errors", "rulebook", "rules"),
    "indicator_file": (*BASE, "rulebook"),
    "indicators": (*BASE, "indicator_file", "rulebook", "rules.incentive_scheme", "sql_models"),
    "lineage": (*BASE, "contracts", "rulebook", "sql_models", "lake"),
    "synthetic": (*BASE, "contracts"),
    "sources": (*BASE_AND_FILES, "contracts"),
    "vault": (*BASE_AND_FILES, "contracts"),
    "vault.hidden_lists": (*BASE_AND_FILES, "contracts", "sources", "vault"),
    "vault.as_sent": (*BASE_AND_FILES, "contracts", "sources", "vault"),
    "vault.free_texts": (*BASE_AND_FILES, "contracts", "sources", "vault"),
    "vault.way_back": (*BASE_AND_FILES, "vault"),
    "vault.person_records": (*BASE_AND_FILES, "contracts", "sources", "vault"),
    "lake": LAKE,
    "lake.delivery": (*LAKE, "lake", "vault"),
    "lake.gate": (*LAKE, "lake", "vault.identity_codes"),
    "lake.protection": (*LAKE, "lake", "vault"),
    "lake.reading": (*LAKE, "lake", "vault"),
    "publish.withdrawal": (),
    "pipeline": (*LAKE, "indicators", "lake", "vault", "publish.withdrawal", "rules"),
    "need": (*LAKE, "lake"),
    "comments": (),
    "comments.reading": (*LAKE, "lake", "pipeline", "comments", "vault.free_texts"),
    "comments.worklist": (*BASE, "pipeline", "comments", "vault.free_texts"),
    "asking": BASE,
    "client_lists": (*BASE, "lake", "pipeline", "rulebook", "vault.way_back"),
    "guidance_commands": (*BASE, "asking", "client_lists", "pipeline", "vault"),
    "comment_commands": (*BASE, "asking", "pipeline", "comments", "vault"),
    "need_commands": (*BASE, "pipeline", "need", "rules", "vault"),
    "risk": (*LAKE, "lake", "rules"),
    "risk.card": (*LAKE, "lake", "rules", "risk", "publish", "quality"),
    "publish.research": (*LAKE, "lake", "pipeline", "publish"),
    "research_commands": (*BASE, "asking", "pipeline", "publish", "vault"),
    "risk_commands": (*BASE, "lake", "pipeline", "publish", "risk", "vault"),
    "settlement": (*LAKE, "lake", "rules", "pipeline", "vault.hidden_lists"),
    "expectations": (*LAKE, "lake"),
    "quality": (*LAKE, "lake", "expectations"),
    "publish": (*LAKE, "lake", "pipeline", "rules"),
    "publish.dictionary_pages": (*LAKE, "pipeline", "publish", "quality.html"),
    "publish.export": (*LAKE, "lake", "pipeline", "publish", "quality.html"),
    "publish.quality": (*LAKE, "lake", "pipeline", "publish", "expectations", "quality"),
    "assets": (*LAKE, "lake", "publish", "pipeline", "risk", "settlement"),
    "profiling": (*LAKE, "lake", "vault.identity_codes"),
    "contract_commands": (*LAKE, "lake", "pipeline", "profiling"),
    "incentive_worth": (*BASE, "lake", "rules"),
    "budget_explanation": (*BASE, "lake", "pipeline", "settlement.words"),
    "budget_commands": (*BASE, "asking", "pipeline", "budget_explanation", "vault"),
    "incentive_commands": (*BASE, "lake", "pipeline", "incentive_worth", "vault"),
    "definitions": (*LAKE, "lake", "publish", "pipeline", "assets"),
    "settle_commands": (*BASE, "lake", "pipeline", "settlement", "vault"),
    "release_commands": (*BASE, "pipeline", "publish", "vault"),
    "rights": (*LAKE, "lake", "publish", "pipeline", "vault"),
    "backup": (*BASE_AND_FILES, "pipeline"),
    "rights_commands": (
        *BASE,
        "asking",
        "pipeline",
        "rights",
        "backup",
        "vault",
        "lake.catalog_move",
    ),
    "cli": (
        *LAKE,
        "lake",
        "publish",
        "pipeline",
        "quality",
        "synthetic",
        "vault",
        "asking",
        "comment_commands",
        "budget_commands",
        "contract_commands",
        "guidance_commands",
        "incentive_commands",
        "need_commands",
        "release_commands",
        "research_commands",
        "rights_commands",
        "risk_commands",
        "settle_commands",
        "settlement",
    ),
}

# Package of others -> the only parts that may import it.
USERS: dict[str, tuple[str, ...]] = {
    "dagster": ("assets", "definitions"),
    "duckdb": ("lake", "vault", "publish", "profiling", "expectations"),
    "great_expectations": ("expectations.validation",),
    "sqlalchemy": ("expectations.engine",),
    "py4j": ("lake.spark",),
    "pyspark": ("lake.spark",),
    "duckdb_extensions": ("lake.connection",),
    "pyrage": ("vault",),
    "typer": (
        "cli",
        "asking",
        "comment_commands",
        "budget_commands",
        "contract_commands",
        "guidance_commands",
        "incentive_commands",
        "need_commands",
        "release_commands",
        "research_commands",
        "rights_commands",
        "risk_commands",
        "settle_commands",
    ),
}

# Everyone else takes the time as an argument.
CLOCK_READERS = ("cli", "rights_commands", "pipeline", "assets")
CLOCK_CALLS = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter"}
CLOCK_OWNERS = {"datetime", "date", "time"}


def name_of(path: Path) -> str:
    """`lake.gate` for dagster_project/lake/gate.py; a package by its own name, the root by none."""
    parts = path.relative_to(PROJECT_ROOT / PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {name_of(path): path for path in sorted((PROJECT_ROOT / PACKAGE).rglob("*.py"))}


def lies_in(module: str, parts: tuple[str, ...]) -> bool:
    """Whether a module is one of these parts or lies within one."""
    return any(module == part or module.startswith(f"{part}.") for part in parts)


def layer_of(module: str) -> str:
    """The longest entry of the table that the module lies in.

    Raises:
        KeyError: the table does not name it.
    """
    fits = [layer for layer in LAYERS if lies_in(module, (layer,))]
    if not fits:
        raise KeyError(f"{module} is in no layer; add it to LAYERS")
    return max(fits, key=len)


def imports(module: str) -> Iterator[str]:
    """Full names that a module imports, at its top or within functions."""
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_layer_may(module: str) -> None:
    layer = layer_of(module)
    own = (layer,) if layer else ()
    inside = [n.removeprefix(f"{PACKAGE}.") for n in imports(module) if n.startswith(f"{PACKAGE}.")]
    assert [name for name in inside if not lies_in(name, (*LAYERS[layer], *own))] == []


@pytest.mark.parametrize("module", MODULES)
def test_libraries_are_imported_only_where_they_belong(module: str) -> None:
    roots = {name.split(".")[0] for name in imports(module)}
    assert [r for r in sorted(roots & USERS.keys()) if not lies_in(module, USERS[r])] == []


@pytest.mark.parametrize("module", [m for m in MODULES if not lies_in(m, CLOCK_READERS)])
def test_nothing_reads_the_clock(module: str) -> None:
    reads = [
        node.lineno
        for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.attr in CLOCK_CALLS
        and node.func.value.id in CLOCK_OWNERS
    ]
    assert reads == []
