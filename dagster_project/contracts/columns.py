"""Columns of a contract: from ODCS properties to `model.Column`.

Here: names, types, keys, flags and what must agree among them. Not here: quality rules (`rules`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from open_data_contract_standard.model import SchemaProperty

from dagster_project.contracts.custom import CodeListSpec, ColumnCustom, parse_custom
from dagster_project.contracts.documents import Place
from dagster_project.contracts.model import CodeList, Column

CLASSIFICATIONS = ("public", "internal", "confidential", "restricted")

LAKE_COLUMNS = frozenset({"delivery_sequence", "record_number"})
"""Columns that the lake adds to each staging table."""

_SQL_TYPES = {
    "string": ("VARCHAR",),
    "integer": ("BIGINT", "INTEGER"),
    "number": ("DOUBLE", "DECIMAL(p,s)"),
    "date": ("DATE",),
    "timestamp": ("TIMESTAMP",),
    "boolean": ("BOOLEAN",),
}
_OPTIONS = {
    "string": {"pattern", "minLength", "maxLength"},
    "integer": {"minimum", "maximum"},
    "number": {"minimum", "maximum"},
    "date": {"minimum", "maximum"},
    "timestamp": {"minimum", "maximum"},
}
_NEVER = {
    "HUGEINT": "DECIMAL(38,0) or VARCHAR",
    "UHUGEINT": "DECIMAL(38,0) or VARCHAR",
    "UUID": "VARCHAR",
    "FLOAT": "DOUBLE for measurements, DECIMAL for money",
    "REAL": "DOUBLE for measurements, DECIMAL for money",
}
_KEPT = {
    "id",
    "name",
    "physicalName",
    "businessName",
    "logicalType",
    "logicalTypeOptions",
    "physicalType",
    "required",
    "primaryKey",
    "primaryKeyPosition",
    "classification",
    "description",
    "relationships",
    "quality",
    "customProperties",
    "authoritativeDefinitions",
    "examples",
    "tags",
}


def column(prop: SchemaProperty, place: Place) -> Column:
    """One column.

    Raises:
        ContractError: something is missing, unknown, or does not agree with the rest.
    """
    _check_keys(prop, place)
    _check_name(prop, place)
    custom = parse_custom(ColumnCustom, prop.customProperties, place.at("customProperties"))
    result = Column(
        name=str(prop.name),
        source_name=_heading(prop, place),
        sql_type=_sql_type(prop, place),
        description=_text(prop, "description", place),
        is_required=bool(prop.required),
        primary_key_position=_key_position(prop, place),
        is_identity=custom.identity or custom.former_identity,
        is_former_identity=custom.former_identity,
        is_vault_only=custom.vault_only,
        is_place=custom.place,
        is_protection_order=custom.protection_order,
        classification=_classification(prop, place),
        business_name=_text(prop, "businessName", place),
        codes=tuple(custom.codes.items()),
        code_list=_code_list(custom.code_list),
    )
    _check_agreement(result, place)
    return result


def check_columns(columns: Iterable[Column], place: Place) -> None:
    """Checks what must hold among the columns of a table.

    Raises:
        ContractError: a name or header given twice, no or a broken primary key, or a protection
            order or a place in a table that names no person.
    """
    listed = list(columns)
    for attribute in ("name", "source_name"):
        _check_unique([getattr(c, attribute) for c in listed], place)
    for position, each in enumerate(listed):
        _check_code_list(each, listed, place.at(position))
    positions = sorted(c.primary_key_position for c in listed if c.primary_key_position is not None)
    if positions != list(range(1, len(positions) + 1)) or not positions:
        raise place.error(
            f"primary key positions are {positions}", "mark the key's columns 1, 2, … in order"
        )
    if sum(c.is_former_identity for c in listed) > 1:
        raise place.error("two former identities", "one person has one former code in a row")
    if listed and next((c for c in listed if c.is_identity), listed[0]).is_former_identity:
        raise place.error("a former identity without a present one", "put the person's own first")
    if any(c.is_place or c.is_protection_order for c in listed) and not any(
        c.is_identity for c in listed
    ):
        raise place.error("a person's place without a person", "mark the identity column")


def _code_list(spec: CodeListSpec | None) -> CodeList | None:
    return None if spec is None else CodeList(**dict(spec))


def _check_code_list(column: Column, listed: list[Column], place: Place) -> None:
    """A code is text that reaches the lake, and so is the day on which it must be in force."""
    if column.code_list is None:
        return
    if column.sql_type != "VARCHAR" or column.is_vault_only or column.is_identity:
        raise place.error("codeList on what is no text of the lake", "remove it")
    day = next((c for c in listed if c.name == column.code_list.as_of), None)
    if day is None or day.is_vault_only or day.sql_type not in ("DATE", "TIMESTAMP"):
        raise place.at("customProperties").error(
            f"codeList as of {column.code_list.as_of}: no DATE or TIMESTAMP of the table",
            "name the column that says when the code was used",
        )


def _check_unique(names: list[str], place: Place) -> None:
    for position, name in enumerate(names):
        if name in names[:position]:
            raise place.at(position).error(f"column {name} is given twice", "keep one")


def _check_keys(prop: SchemaProperty, place: Place) -> None:
    unknown = sorted(k for k in prop.model_fields_set if k not in _KEPT)
    if unknown:
        raise place.at(unknown[0]).error(
            f"{', '.join(unknown)} would have no effect here", "remove it"
        )
    options = set(prop.logicalTypeOptions or {}) - _OPTIONS.get(str(prop.logicalType), set())
    if options:
        raise place.at("logicalTypeOptions").error(
            f"{', '.join(sorted(options))} would have no effect on type {prop.logicalType}",
            "use minimum, maximum, pattern, minLength, maxLength or SQL",
        )


def _check_name(prop: SchemaProperty, place: Place) -> None:
    name = str(prop.name)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise place.at("name").error(f"{name} is no lake name", "write it in ASCII snake_case")
    if name in LAKE_COLUMNS:
        raise place.at("name").error(f"{name} is a column that the lake adds", "rename it")
    if prop.id not in {None, name}:
        raise place.at("id").error(f"id {prop.id} is not the name", f"write {name} or leave it out")
    if re.search(r"[{}]", (prop.physicalName or "").replace("{sequence}", "")):
        raise place.at("physicalName").error(
            "a placeholder other than {sequence}", "write the header as sent"
        )


def _text(prop: SchemaProperty, key: str, place: Place) -> str:
    value = getattr(prop, key)
    if not value or not str(value).strip():
        raise place.error(f"{key} is missing", "give it")
    return str(value).strip()


def _heading(prop: SchemaProperty, place: Place) -> str:
    """The name as sent: blanks around it are part of it."""
    _text(prop, "physicalName", place)
    return str(prop.physicalName)


def _classification(prop: SchemaProperty, place: Place) -> str:
    if prop.classification not in CLASSIFICATIONS:
        raise place.error(
            f"classification is {prop.classification or 'missing'}",
            f"write one of {', '.join(CLASSIFICATIONS)}",
        )
    return prop.classification


def _sql_type(prop: SchemaProperty, place: Place) -> str:
    allowed = _SQL_TYPES.get(str(prop.logicalType))
    if allowed is None:
        raise place.at("logicalType").error(
            f"logical type {prop.logicalType} is not kept in the lake",
            f"use one of {', '.join(_SQL_TYPES)}",
        )
    sql_type = str(prop.physicalType)
    if sql_type in allowed or ("DECIMAL(p,s)" in allowed and _is_decimal(sql_type)):
        return sql_type
    raise place.at("physicalType").error(
        f"type {sql_type} is not one for logical type {prop.logicalType}",
        f"use {_NEVER.get(sql_type.upper(), ' or '.join(allowed))}",
    )


def _is_decimal(sql_type: str) -> bool:
    """DECIMAL(p,s) with 1 ≤ p ≤ 38 and s ≤ p, the limits of DuckDB."""
    match = re.fullmatch(r"DECIMAL\((\d{1,2}),(\d{1,2})\)", sql_type)
    return match is not None and 1 <= int(match[1]) <= 38 and int(match[2]) <= int(match[1])


def _key_position(prop: SchemaProperty, place: Place) -> int | None:
    if not prop.primaryKey:
        if prop.primaryKeyPosition not in {None, -1}:
            raise place.error("a key position without primaryKey", "write primaryKey: true")
        return None
    if not prop.required:
        raise place.error("a primary key that may be empty", "write required: true")
    if prop.primaryKeyPosition is None:
        raise place.error("a primary key without position", "write primaryKeyPosition")
    return prop.primaryKeyPosition


def _check_agreement(column: Column, place: Place) -> None:
    if column.is_identity and column.sql_type != "BIGINT":
        raise place.at("physicalType").error(
            "an identity is kept as the person's number", "write integer and BIGINT"
        )
    if column.is_identity and column.classification != "restricted":
        raise place.at("classification").error(
            "an identity is restricted", "write classification: restricted"
        )
    if column.is_protection_order and not (
        column.is_vault_only and column.sql_type == "BOOLEAN" and column.is_required
    ):
        raise place.error(
            "a protection order is a required BOOLEAN of the vault alone",
            "set vaultOnly, required and BOOLEAN",
        )
    if column.is_vault_only and column.primary_key_position is not None:
        raise place.error("a primary key that does not reach the lake", "choose another key")
    if column.is_place and column.classification in {"public", "internal"}:
        raise place.at("classification").error(
            "a person's place is confidential", "write confidential or restricted"
        )
