"""Output contracts: what a published table looks like, and what of it anybody may be told.

`data_contracts/published/<table>/v<major>.odcs.yaml`, in the same standard as those of sources. A
column's meaning stands in its contract, or by its name in `published/columns.yaml`, where it is the
same in every table. Who reads a table is its `shelves`; on the public one every column has a role
in disclosure control, so that a new column is not told before someone has decided how.

Here: reading and checking them. Not here: applying the roles (`publish.disclosure`), holding a
table against its contract (`publish.outputs`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from open_data_contract_standard.model import SchemaObject, SchemaProperty
from pydantic import Field, StrictInt

from dagster_project.contracts import odcs
from dagster_project.contracts.custom import CustomModel, Text, parse_custom
from dagster_project.contracts.documents import Document, Place, read_document
from dagster_project.contracts.loader import OUTPUTS, SUFFIX
from dagster_project.errors import ContractError

MEANINGS = "columns.yaml"
SAFE_TYPES = ("BIGINT", "INTEGER", "VARCHAR", "DATE", "TIMESTAMP", "BOOLEAN", "DOUBLE", "DECIMAL")
"""What every BI tool reads out of Parquet as what it is; of DECIMAL up to 18 digits."""


class Shelf(StrEnum):
    """Folders of flat files for BI tools."""

    INTERNAL = "internal"
    PUBLIC = "public"


class Role(StrEnum):
    """What a column is to disclosure control."""

    DIMENSION = "dimension"
    """Names the cell; told as it is."""
    ROLLED_UP = "rolled_up"
    """A dimension that the public table is summed over: no cell lines."""
    COUNT = "count"
    TOTAL = "total"
    """The sum of the row's `parts` as they are told."""
    EUROS = "euros"
    FACTOR = "factor"
    INDEX = "index"
    """Made of many figures that each have a least size of their own; rounded as a factor is."""
    RATE = "rate"
    LOWER = "lower"
    UPPER = "upper"
    OPEN = "open"
    """Published by its source, or a rule: it is of no person here."""
    WITHHELD = "withheld"


class Disclosure(CustomModel):
    """How a column of a public table is told."""

    role: Role
    persons: Text | None = None
    """Column that counts the persons behind it; a count without one is of persons itself."""
    persons_per: Annotated[StrictInt, Field(ge=1)] = 1
    """How many of that column one person may be: 31 of days in a month."""
    parts: tuple[Text, ...] = ()
    top_two: Text | None = None
    numerator: Text | None = None
    denominator: Text | None = None
    interval: Text | None = None
    """Column that says which interval the rate has: wilson, byar or none."""
    multiplier: Text | None = None
    of: Text | None = None
    """Of a bound the column of its rate."""


_NEEDS: dict[Role, tuple[str, ...]] = {
    Role.TOTAL: ("parts",),
    Role.EUROS: ("persons", "top_two"),
    Role.FACTOR: ("persons",),
    Role.RATE: ("numerator", "denominator", "interval", "multiplier"),
    Role.LOWER: ("of",),
    Role.UPPER: ("of",),
}


_ADDABLE = frozenset({Role.DIMENSION, Role.ROLLED_UP, Role.COUNT, Role.EUROS, Role.WITHHELD})


class _ColumnCustom(CustomModel):
    disclosure: Disclosure | None = None


class Summary(CustomModel):
    """What a spreadsheet shows of a table: sums, by some of its columns."""

    by: tuple[Text, ...] = Field(min_length=1)
    sums: tuple[Text, ...] = Field(min_length=1)


class _TableCustom(CustomModel):
    shelves: tuple[Shelf, ...] = Field(min_length=1)
    euro_group: tuple[Text, ...] = ()
    """Columns within which sums of euros add up."""
    summary: Summary | None = None


@dataclass(frozen=True)
class OutputColumn:
    """One column of a published table."""

    name: str
    sql_type: str
    meaning: str
    is_required: bool
    key_position: int | None
    disclosure: Disclosure | None


@dataclass(frozen=True)
class OutputContract:
    """What a published table looks like."""

    table: str
    version: str
    grain: str
    description: str
    columns: tuple[OutputColumn, ...]
    shelves: frozenset[Shelf]
    euro_group: tuple[str, ...]
    summary: Summary | None
    sha256: str

    @property
    def key(self) -> tuple[str, ...]:
        """Columns that are unique together, in order."""
        keyed = [c for c in self.columns if c.key_position is not None]
        return tuple(c.name for c in sorted(keyed, key=lambda c: c.key_position or 0))

    @property
    def is_public(self) -> bool:
        """Whether anybody may read what disclosure control leaves of it."""
        return Shelf.PUBLIC in self.shelves


@dataclass(frozen=True)
class Outputs:
    """Every output contract, the newest major of each, and what columns mean by name."""

    contracts: Mapping[str, OutputContract]
    meanings: Mapping[str, str]

    @property
    def sha256(self) -> str:
        """Of all of them."""
        parts = "".join(c.sha256 for c in self.contracts.values())
        return hashlib.sha256((parts + repr(sorted(self.meanings.items()))).encode()).hexdigest()


def output_files(root: Path) -> list[Path]:
    """Files of output contracts below a folder of contracts."""
    return sorted((root / OUTPUTS).glob(f"*/v*{SUFFIX}"))


def load_outputs(root: Path, *, beside: Path | None = None) -> Outputs:
    """Output contracts and meanings below one or two folders of contracts.

    Raises:
        ContractError: one is not valid.
    """
    meanings: dict[str, str] = {}
    contracts: dict[str, OutputContract] = {}
    roots = (root, beside) if beside else (root,)
    for folder in roots:
        meanings |= _meanings(folder / OUTPUTS / MEANINGS)
    for path in (path for folder in roots for path in output_files(folder)):
        found = load_output(path, meanings)
        contracts[found.table] = found
    return Outputs(contracts, meanings)


def _meanings(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    found = read_document(path).data
    wrong = [name for name, text in found.items() if not isinstance(text, str) or not text.strip()]
    if wrong:
        raise ContractError(f"{path}: {wrong[0]} has no meaning; write a sentence")
    return dict(found)


def load_output(path: Path, meanings: Mapping[str, str]) -> OutputContract:
    """One output contract.

    Raises:
        ContractError: it breaks the standard, or says what is not understood or not enough.
    """
    document = read_document(path)
    given = odcs.parse(document)
    root = Place(document)
    if given.id != f"{OUTPUTS}/{path.parent.name}" or len(given.schema_ or ()) != 1:
        raise root.error(
            "id or tables are not the folder's", f"write id {OUTPUTS}/<table>, one table"
        )
    table, place = (given.schema_ or [])[0], root.at("schema", 0)
    if table.name != path.parent.name:
        raise place.error(f"table {table.name} is not the folder's", "name it as the folder")
    custom = parse_custom(_TableCustom, given.customProperties, root.at("customProperties"))
    columns = tuple(
        _column(prop, meanings, place.at("properties", i))
        for i, prop in enumerate(table.properties or ())
    )
    contract = OutputContract(
        table=str(table.name),
        version=str(given.version),
        grain=_said(table, "dataGranularityDescription", place),
        description=_said(table, "description", place),
        columns=columns,
        shelves=frozenset(custom.shelves),
        euro_group=custom.euro_group,
        summary=custom.summary,
        sha256=hashlib.sha256(document.content).hexdigest(),
    )
    _check(contract, document)
    return contract


def _said(table: SchemaObject, key: str, place: Place) -> str:
    text = getattr(table, key)
    if not text or not text.strip():
        raise place.error(f"{key} is missing", "give it")
    return str(text).strip()


def _column(prop: SchemaProperty, meanings: Mapping[str, str], place: Place) -> OutputColumn:
    name, sql_type = str(prop.name), str(prop.physicalType or "")
    if sql_type.split("(", maxsplit=1)[0] not in SAFE_TYPES:
        raise place.error(
            f"type {sql_type or 'none'} is not read alike by all", f"use {', '.join(SAFE_TYPES)}"
        )
    meaning = prop.description or meanings.get(name, "")
    if not meaning.strip():
        raise place.error("has no description", f"write one, or one for {name} in {MEANINGS}")
    custom = parse_custom(_ColumnCustom, prop.customProperties, place.at("customProperties"))
    return OutputColumn(
        name=name,
        sql_type=sql_type,
        meaning=meaning.strip(),
        is_required=bool(prop.required),
        key_position=prop.primaryKeyPosition if prop.primaryKey else None,
        disclosure=custom.disclosure,
    )


def _check(contract: OutputContract, document: Document) -> None:
    """Roles are there where they are due, say what they need, and name columns of the table."""
    names = {column.name for column in contract.columns}
    for i, column in enumerate(contract.columns):
        place = Place(document, ("schema", 0, "properties", i))
        stated = column.disclosure
        if contract.is_public is (stated is None):
            raise place.error(
                "has no role in disclosure control" if contract.is_public else "has a role",
                "every column of a public table has one, and of no other",
            )
        if stated is not None:
            _check_role(stated, names, place)
    _check_rolled_up(contract, Place(document, ("schema", 0)))
    shown = (*contract.summary.by, *contract.summary.sums) if contract.summary else ()
    if strange := sorted({*contract.euro_group, *shown} - names):
        raise Place(document).error(
            f"euroGroup or summary names {strange[0]}", "name columns of the table"
        )


def _check_rolled_up(contract: OutputContract, place: Place) -> None:
    """Only counts and euros add up over a dimension; a rate or a text does not."""
    roles = {c.name: c.disclosure.role for c in contract.columns if c.disclosure}
    if Role.ROLLED_UP not in roles.values():
        return
    for column in contract.columns:
        is_number = column.sql_type.startswith(("BIGINT", "INTEGER", "DECIMAL"))
        role = roles.get(column.name)
        if role not in _ADDABLE or (role is Role.WITHHELD and not is_number):
            raise place.error(
                f"{column.name} ({role}) does not add up over what is rolled up",
                "roll nothing up, or leave the column to another table",
            )


def _check_role(stated: Disclosure, names: set[str], place: Place) -> None:
    lacking = [key for key in _NEEDS.get(stated.role, ()) if not getattr(stated, key)]
    if lacking:
        raise place.error(f"role {stated.role} lacks {', '.join(lacking)}", "name the columns")
    named = [stated.persons, stated.top_two, stated.numerator, stated.denominator]
    named += [stated.interval, stated.multiplier, stated.of, *stated.parts]
    if strange := sorted({name for name in named if name} - names):
        raise place.error(f"names column {strange[0]}, which is not there", "correct it")
