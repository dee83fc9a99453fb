"""File formats in a contract: which settings go with which, and how columns are named in each.

Here: from `DialectSpec` to `model.Dialect`; a setting without effect is an error. Not here: types
of settings (`custom`), or reading files (`sources`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pydantic.alias_generators import to_camel

from dagster_project.contracts.custom import POINTER, ContractCustom, DialectSpec
from dagster_project.contracts.documents import Place
from dagster_project.contracts.model import CELL, Column, Dialect, FileFormat

_TEXTS = (FileFormat.CSV, FileFormat.NDJSON, FileFormat.JSON)
_TYPED = (FileFormat.XLSX, FileFormat.PARQUET)
"""Formats in which numbers and dates are no text: they are written out in one way only."""
_WITH_JSON = (FileFormat.NDJSON, FileFormat.JSON)
_HAS_EFFECT_ON: dict[str, tuple[FileFormat, ...]] = {
    "encoding": _TEXTS,
    "delimiter": (FileFormat.CSV,),
    "quote": (FileFormat.CSV,),
    "header_line": (FileFormat.CSV, FileFormat.XLSX),
    "header_rows": (FileFormat.XLSX,),
    "sheet": (FileFormat.XLSX,),
    "records": (FileFormat.JSON,),
    "version_pointer": (FileFormat.JSON,),
    "version": (FileFormat.JSON,),
    "true_values": (*_TEXTS, FileFormat.XLSX),
    "false_values": (*_TEXTS, FileFormat.XLSX),
}
_DUE = {
    FileFormat.CSV: "encoding",
    FileFormat.NDJSON: "encoding",
    FileFormat.XLSX: "sheet",
    FileFormat.JSON: "records",
}
_WRITTEN_OUT = ("decimal_separator", "date_format", "timestamp_format")
_EVERY_ITEM = r"/[A-Za-z_][A-Za-z0-9_-]*(/([A-Za-z0-9_-]+|\*))*"
"""A pointer with `*` in it, for every item of an array."""
_BOOLEANS = {"true_values": ("true",), "false_values": ("false",)}
"""How truth is written out, in formats that have it as a type and no contract of old."""


def dialect(spec: DialectSpec, place: Place) -> Dialect:
    """The dialect that a contract states.

    Raises:
        ContractError: a setting is missing, or has no effect on the format.
    """
    _check_effect(spec, place)
    due = _DUE.get(spec.format)
    if due is not None and getattr(spec, due) is None:
        raise place.error(f"dialect.{due}: Field required", f"give it, {spec.format} needs it")
    if (spec.version is None) != (spec.version_pointer is None):
        raise place.error("version and versionPointer go together", "give both or none")
    given = {name: value for name, value in dict(spec).items() if value is not None}
    booleans = {k: v for k, v in _BOOLEANS.items() if k not in spec.model_fields_set}
    has_booleans = spec.format in (*_TYPED, FileFormat.JSON)
    return Dialect(**given | (booleans if has_booleans else {}))


def _check_effect(spec: DialectSpec, place: Place) -> None:
    useless = sorted(
        name
        for name in spec.model_fields_set
        if spec.format not in _HAS_EFFECT_ON.get(name, tuple(FileFormat))
    )
    if useless:
        raise place.error(f"{', '.join(useless)} has no effect on {spec.format}", "remove it")
    if spec.format is FileFormat.CSV and spec.delimiter in {spec.quote, spec.decimal_separator}:
        raise place.error("delimiter is also quote or decimal separator", "correct the dialect")
    if spec.format is FileFormat.JSON and spec.encoding not in {None, "utf-8"}:
        raise place.error(f"a JSON document is no {spec.encoding}", "write utf-8")
    for name in _WRITTEN_OUT if spec.format in _TYPED else ():
        due = DialectSpec.model_fields[name].default
        if getattr(spec, name) != due:
            raise place.error(
                f"{to_camel(name)}: {spec.format} has numbers and dates as such, and they are"
                f" written out as {due}",
                "remove it",
            )


def check_final_newline(custom: ContractCustom, place: Place) -> None:
    """See that no last line end is spoken of where there are no lines.

    Raises:
        ContractError: it is.
    """
    has_lines = custom.dialect.format in {FileFormat.CSV, FileFormat.NDJSON}
    if not has_lines and "final_newline" in custom.delivery.model_fields_set:
        raise place.error(f"finalNewline has no effect on {custom.dialect.format}", "remove it")


def check_source_names(columns: Iterable[Column], stated: Dialect, place: Place) -> None:
    """See that pointers and cells in source names are such, where the format knows them.

    Raises:
        ContractError: one is not, or a sheet's every column stands in a cell of its own.
    """
    listed = list(columns)
    for position, column in enumerate(listed):
        if stated.format in _WITH_JSON and column.source_name.startswith("/"):
            _check_pointer(column, place.at(position))
        if stated.format is FileFormat.XLSX and column.cell is not None:
            _check_cell(column.cell, stated, place.at(position))
    if stated.format is FileFormat.XLSX and all(c.cell is not None for c in listed):
        raise place.error("the sheet has no table", "name the header of a column at least")


def _check_pointer(column: Column, place: Place) -> None:
    if not re.fullmatch(POINTER, column.source_name):
        raise place.at("physicalName").error(
            f"{column.source_name} is no JSON pointer", "write ~0 for ~, as in RFC 6901"
        )
    is_plain = column.sql_type == "VARCHAR" and not column.is_identity
    if column.is_joined and not (re.fullmatch(_EVERY_ITEM, column.source_name) and is_plain):
        raise place.at("physicalName").error(
            f"{column.source_name} joins the items of an array, as text",
            "write VARCHAR, and letters, digits, - or _ in its steps, the first of them a field",
        )


def _check_cell(cell: str, stated: Dialect, place: Place) -> None:
    match = re.fullmatch(r"[A-Z]{1,3}([1-9]\d{0,6})", cell)
    if match is None or int(match[1]) >= stated.header_line:
        raise place.at("physicalName").error(
            f"{CELL}{cell} is no cell above the header", f"write {CELL}B2, or set headerLine"
        )
