"""Contracts from their files: the only way into `model.Contract`.

Here: `load_contract` for one file and `load_catalogue` for all; mapping what is not a column or a
rule. Anything not understood is a `ContractError` that names file, line, place and what to do. Not
here: columns (`columns`), file formats (`dialects`), rules (`rules`), what must hold among
contracts (`relations`).
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from pathlib import Path

from open_data_contract_standard.model import (
    OpenDataContractStandard,
    Relationship,
    SchemaObject,
    ServiceLevelAgreementProperty,
)

from dagster_project.contracts import odcs
from dagster_project.contracts.columns import check_columns, column
from dagster_project.contracts.custom import (
    ContractCustom,
    DeliverySpec,
    parse_custom,
)
from dagster_project.contracts.dialects import check_final_newline, check_source_names, dialect
from dagster_project.contracts.documents import (
    Document,
    Place,
    open_question,
    read_document,
    unanswered,
)
from dagster_project.contracts.expressions import check_value
from dagster_project.contracts.model import (
    Catalogue,
    Column,
    Contract,
    DatasetRule,
    Delivery,
    DeliveryMode,
    Reference,
    RowRule,
    SequenceStep,
)
from dagster_project.contracts.relations import check_catalogue
from dagster_project.contracts.rules import column_rules, table_rules
from dagster_project.errors import ContractError

SUFFIX = ".odcs.yaml"
OUTPUTS = "published"
"""Folder of output contracts (`contracts.published`), which is no source."""

_TABLE_KEYS = {
    "id",
    "name",
    "logicalType",
    "description",
    "businessName",
    "dataGranularityDescription",
    "properties",
    "relationships",
    "quality",
    "authoritativeDefinitions",
    "tags",
}
_PROMISES = {"freshness": "d", "retention": "y"}
_SEQUENCE_DIGITS = {
    SequenceStep.MONTH: 6,
    SequenceStep.YEAR: 4,
    SequenceStep.YEAR_RELEASE: 4,
    SequenceStep.SENDER_QUARTER: 7,
    SequenceStep.NONE: 8,
}
_RELEASE = r"(?P<release>[1-9][0-9]?)"
_TARGET = re.compile(
    r"(?P<file>[^#]+)#/schema/(?P<table>[a-z0-9_]+)/properties/(?P<column>[a-z0-9_]+)"
)


def load_catalogue(root: Path, *, beside: Path | None = None) -> Catalogue:
    """All contracts below a folder, checked one by one and against each other.

    Args:
        root: The folder.
        beside: Another one, whose contracts count as if they lay in the first.

    Raises:
        ContractError: a contract is not valid, or there is none.
    """
    files = [*contract_files(root), *(contract_files(beside) if beside else ())]
    contracts = {path: load_contract(path) for path in files}
    check_catalogue(contracts)
    return Catalogue(tuple(contracts.values()))


def contract_files(root: Path) -> tuple[Path, ...]:
    """Files of contracts of sources below a folder, in alphabetical order.

    Raises:
        ContractError: there is none, or a YAML file that is named otherwise.
    """
    found = sorted((*root.rglob("*.yaml"), *root.rglob("*.yml")))
    files = [path for path in found if path.relative_to(root).parts[0] != OUTPUTS]
    for path in files:
        if not re.fullmatch(r"v[1-9]\d*" + re.escape(SUFFIX), path.name):
            raise ContractError(f"{path}: no contract's file name; name it v<major>{SUFFIX}")
    if not files:
        raise ContractError(f"{root}: holds no contracts; give the folder data_contracts")
    return tuple(files)


def load_contract(path: Path) -> Contract:
    """One contract, `<source>/<table>/v<major>.odcs.yaml`, checked by itself.

    Raises:
        ContractError: it breaks the standard's JSON schema, says what is not understood, or has a
            question left open.
    """
    document = read_document(path)
    for place in unanswered(document):
        raise place.error(*open_question(place))
    return _contract(odcs.parse(document), document)


def _contract(given: OpenDataContractStandard, document: Document) -> Contract:
    root = Place(document)
    source, table_name = _identity(given, root)
    table, place = _table(given, root, name=table_name)
    custom_place = root.at("customProperties")
    custom = parse_custom(ContractCustom, given.customProperties, custom_place)
    stated = dialect(custom.dialect, custom_place)
    check_final_newline(custom, custom_place)
    columns = _columns(table, place.at("properties"))
    check_source_names(columns, stated, place.at("properties"))
    row_rules, dataset_rules = _rules(table, columns, place=place)
    upcast = _upcast(custom.upcast, columns, place=custom_place)
    return Contract(
        source=source,
        table=table_name,
        version=str(given.version),
        purpose=_purpose(given, root),
        grain=_filled(table.dataGranularityDescription, "dataGranularityDescription", place),
        dialect=stated,
        delivery=_delivery(custom.delivery, columns, place=custom_place),
        columns=columns,
        row_rules=row_rules,
        dataset_rules=dataset_rules,
        references=_references(table, f"{source}/{table_name}", place=place),
        controller=custom.controller,
        register=custom.register_name,
        retention_years=_promise(given.slaProperties, "retention", root.at("slaProperties")),
        freshness_days=_promise(given.slaProperties, "freshness", root.at("slaProperties")),
        sha256=hashlib.sha256(document.content).hexdigest(),
        upcast=upcast,
    )


def _identity(given: OpenDataContractStandard, root: Place) -> tuple[str, str]:
    """Source and table, which folder, file name, id and version must agree on."""
    source, table, file_name = root.document.path.absolute().parts[-3:]
    for name in (source, table):
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise root.error(f"folder {name} is no lake name", "write it in ASCII snake_case")
    if given.id != f"{source}/{table}":
        raise root.at("id").error(
            f"id {given.id} is not the folder", f"write {source}/{table} or move the file"
        )
    version = re.fullmatch(r"([1-9]\d*)\.\d+\.\d+", str(given.version))
    if version is None or file_name != f"v{version[1]}{SUFFIX}":
        raise root.at("version").error(
            f"version {given.version} does not belong in {file_name}",
            "write a semantic version whose major is in the file's name",
        )
    return source, table


def _table(
    given: OpenDataContractStandard, root: Place, *, name: str
) -> tuple[SchemaObject, Place]:
    tables = given.schema_ or []
    if len(tables) != 1:
        raise root.at("schema").error(f"{len(tables)} tables", "write one table per contract")
    table, place = tables[0], root.at("schema", 0)
    if table.name != name or table.id not in {None, name}:
        raise place.error(f"table {table.name} is not the folder's", f"name and id are {name}")
    unknown = sorted(table.model_fields_set - _TABLE_KEYS)
    if unknown:
        raise place.at(unknown[0]).error(f"{', '.join(unknown)} would have no effect", "remove it")
    return table, place


def _columns(table: SchemaObject, place: Place) -> tuple[Column, ...]:
    columns = tuple(column(p, place.at(i)) for i, p in enumerate(table.properties or ()))
    check_columns(columns, place)
    return columns


def _rules(
    table: SchemaObject, columns: tuple[Column, ...], *, place: Place
) -> tuple[tuple[RowRule, ...], tuple[DatasetRule, ...]]:
    names = {c.name for c in columns}
    rows = [
        rule
        for i, (prop, c) in enumerate(zip(table.properties or (), columns, strict=True))
        for rule in column_rules(prop, c, names=names, place=place.at("properties", i))
    ]
    more_rows, datasets = table_rules(table.quality, names=names, place=place.at("quality"))
    rows += more_rows
    taken = [f"{c.name}.{kind}" for c in columns for kind in ("type", "required")]
    taken += [f"{c.name}.code_list" for c in columns if c.code_list is not None]
    _check_unique_ids([*taken, *(r.id for r in rows), *(d.id for d in datasets)], place)
    return tuple(rows), tuple(datasets)


def _check_unique_ids(ids: list[str], place: Place) -> None:
    doubled = sorted({i for i in ids if ids.count(i) > 1})
    if doubled:
        raise place.error(f"rule {doubled[0]} is given twice", "give each rule an id of its own")


def _purpose(given: OpenDataContractStandard, root: Place) -> str:
    purpose = given.description.purpose if given.description else None
    return _filled(purpose, "description.purpose", root)


def _filled(value: str | None, key: str, place: Place) -> str:
    if not value or not value.strip():
        raise place.error(f"{key} is missing", "give it")
    return value.strip()


def _delivery(spec: DeliverySpec, columns: tuple[Column, ...], *, place: Place) -> Delivery:
    digits = _SEQUENCE_DIGITS[spec.sequence_step]
    if rf"(?P<sequence>\d{{{digits}}})" not in spec.file_pattern:
        raise place.error(
            f"filePattern {spec.file_pattern} states no sequence of step {spec.sequence_step}",
            rf"write (?P<sequence>\d{{{digits}}}) in it",
        )
    is_released = spec.sequence_step is SequenceStep.YEAR_RELEASE
    if is_released != (_RELEASE in spec.file_pattern):
        stated = "states no release" if is_released else "states one"
        raise place.error(
            f"filePattern {spec.file_pattern} {stated}",
            f"write {_RELEASE} in it with sequenceStep: year_release, and with no other",
        )
    if spec.sequence_step is SequenceStep.SENDER_QUARTER and spec.mode is DeliveryMode.SNAPSHOT:
        raise place.error(
            "a sender's snapshot would end the rows of all others", "write mode: increment"
        )
    _check_updated_at(spec.updated_at_column, columns, place=place)
    try:
        pattern = re.compile(spec.file_pattern)
    except re.error as error:
        raise place.error(f"filePattern does not compile: {error}", "correct it") from error
    return Delivery(**{**dict(spec), "file_pattern": pattern})


def _check_updated_at(name: str | None, columns: tuple[Column, ...], *, place: Place) -> None:
    if name is not None and not any(
        c.name == name and c.sql_type == "TIMESTAMP" and c.is_required for c in columns
    ):
        raise place.error(
            f"updatedAtColumn {name} is no required TIMESTAMP of the table", "correct it"
        )


def _upcast(upcast: dict[str, str], columns: tuple[Column, ...], *, place: Place) -> dict[str, str]:
    names = {c.name for c in columns}
    for name, expression in upcast.items():
        try:
            check_value(expression, names)
        except ValueError as error:
            raise place.error(f"upcast {name}: {error}", "correct the upcast's SQL") from error
    return upcast


def _promise(promises: list[ServiceLevelAgreementProperty] | None, name: str, place: Place) -> int:
    """Whole days or years that the contract promises."""
    for i, promise in enumerate(promises or ()):
        if promise.property not in _PROMISES:
            raise place.at(i).error(
                f"promise {promise.property} is checked by nothing", f"use {', '.join(_PROMISES)}"
            )
    found = [(i, p) for i, p in enumerate(promises or ()) if p.property == name]
    if len(found) != 1:
        raise place.error(f"{name} is given {len(found)} times", "give it once")
    position, promise = found[0]
    value = promise.value
    if promise.unit != _PROMISES[name] or not isinstance(value, int) or isinstance(value, bool):
        raise place.at(position).error(
            f"{name} is not a whole number with unit {_PROMISES[name]}", "correct value or unit"
        )
    return value


def _references(table: SchemaObject, key: str, *, place: Place) -> tuple[Reference, ...]:
    found = [
        _reference(
            link, str(prop.name), key=key, place=place.at("properties", i, "relationships", j)
        )
        for i, prop in enumerate(table.properties or ())
        for j, link in enumerate(prop.relationships or ())
    ]
    if table.relationships:
        raise place.at("relationships").error(
            "references of several columns are not read yet", "refer from the column"
        )
    return tuple(found)


def _reference(link: Relationship, from_column: str, *, key: str, place: Place) -> Reference:
    """Reference: `<path>/v<major>.odcs.yaml#/schema/<table>/properties/<column>`."""
    match = _TARGET.fullmatch(str(link.to))
    if match is None:
        raise place.error(
            f"{link.to} names no column of a contract",
            "write ../<table>/v1.odcs.yaml#/schema/<table>/properties/<column>",
        )
    target = posixpath.normpath(posixpath.join(key, match["file"])).split("/")
    if len(target) != 3 or target[1] != match["table"]:
        raise place.error(f"{link.to} leads to no contract", "give the path from this file")
    return Reference((from_column,), "/".join(target[:2]), (match["column"],))
