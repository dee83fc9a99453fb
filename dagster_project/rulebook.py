"""Dated policy numbers (`rulebooks/*.yaml`) as relations that models read: `rulebook.<name>`.

Here: reading and checking rulebooks. Not here: any number, which sits in its YAML with its source.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

from dagster_project.errors import ContractError

ROOT = Path(__file__).resolve().parent / "rulebooks"


@dataclass(frozen=True)
class Rulebook:
    """One rulebook: columns by SQL type, and rows by the date they take effect."""

    name: str
    unit: str
    columns: dict[str, str]
    rows: tuple[tuple[date, tuple[str, ...]], ...]
    sha256: str
    text: str = ""
    """The file as it is."""

    @property
    def sql(self) -> str:
        """The rulebook as a query: its columns and `valid_from_date`."""
        casts = ", ".join(
            f"cast({name} as {kind}) as {name}" for name, kind in self.columns.items()
        )
        if not self.rows:
            nothing = ", ".join(f"cast(null as {k}) as {n}" for n, k in self.columns.items())
            return f"select cast(null as date) as valid_from_date, {nothing} limit 0"
        values = ", ".join(
            "("
            + ", ".join(["'" + str(d) + "'", *("'" + v.replace("'", "''") + "'" for v in row)])
            + ")"
            for d, row in self.rows
        )
        names = ", ".join(["valid_from", *self.columns])
        return (
            f"select cast(valid_from as date) as valid_from_date, {casts}"
            f" from (values {values}) as rulebook({names})"
        )


def load_rulebooks(root: Path = ROOT) -> tuple[Rulebook, ...]:
    """Every rulebook, in order of name.

    Raises:
        ContractError: a rulebook lacks its unit, source or a column, or a number is not one.
    """
    return tuple(_load(path) for path in sorted(root.glob("*.yaml")))


def _load(path: Path) -> Rulebook:
    text = path.read_bytes()
    where = f"rulebooks/{path.name}"
    document = read_document(text.decode(), where)
    unknown = set(document) ^ {"description", "unit", "columns", "values"}
    if unknown:
        raise ContractError(f"{where}: lacks or does not know {sorted(unknown)}")
    rows = tuple(
        (starts, _row(row, document["columns"], f"{where}, {starts}"))
        for starts, entry in sorted(document["values"].items())
        for row in _entry(entry, f"{where}, {starts}")
    )
    sha256 = hashlib.sha256(text).hexdigest()
    return Rulebook(path.stem, document["unit"], document["columns"], rows, sha256, text.decode())


class _StrictLoader(yaml.CSafeLoader):
    """Says a key twice: refused. YAML would keep the last of two entries of one day, unseen."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping of a node.

        Raises:
            ContractError: it says a key twice.
        """
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = [key for number, key in enumerate(keys) if key in keys[:number]]
        if twice:
            line = node.start_mark.line + 1
            raise ContractError(f"two entries for {twice[0]} below line {line}; keep one")
        return super().construct_mapping(node, deep=deep)


def read_document(text: str, where: str) -> dict[str, Any]:
    """A YAML file that says no key twice.

    Raises:
        ContractError: it is no YAML, no mapping, or says a key twice.
    """
    try:
        document = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise ContractError(f"{where} is no YAML: {error}") from None
    except ContractError as error:
        raise ContractError(f"{where}: {error}") from None
    if not isinstance(document, dict):
        raise ContractError(f"{where}: holds no rulebook or indicator; write `key: value` lines")
    return document


def _entry(entry: dict[str, Any], where: str) -> list[dict[str, Any]]:
    if set(entry) != {"source", "rows"} or not entry["source"]:
        raise ContractError(
            f"{where}: every dated entry says its `source` and `rows`, nothing else"
        )
    rows: list[dict[str, Any]] = entry["rows"]
    return rows


def _row(row: dict[str, Any], columns: dict[str, str], where: str) -> tuple[str, ...]:
    if set(row) != set(columns):
        raise ContractError(
            f"{where}: a row has columns {sorted(row)}, and {sorted(columns)} are due"
        )
    for name, kind in columns.items():
        if kind.startswith("decimal"):
            _check_number(row[name], f"{where}, column {name}")
    return tuple(str(row[name]) for name in columns)


def _check_number(value: object, where: str) -> None:
    """A policy number is text in the YAML: a bare 0.1 would be a double before anyone looked."""
    if not isinstance(value, str):
        raise ContractError(f"{where}: write numbers in quotes, so that they stay exact")
    try:
        Decimal(value)
    except InvalidOperation:
        raise ContractError(f"{where}: {value!r} is not a number") from None
