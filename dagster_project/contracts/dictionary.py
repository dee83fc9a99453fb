"""The data dictionary: what each delivered column means, in rows.

Here: contracts flattened to one row per column, for documents and published tables. Not here:
writing files from the rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from dagster_project.contracts.model import Catalogue, Column, Contract, Severity


@dataclass(frozen=True)
class DictionaryRow:
    """One column of the newest major of one contract."""

    source: str
    table: str
    version: str
    position: int
    """1-based, in the order of the contract."""
    column: str
    source_name: str
    """Header, field, pointer or cell as sent."""
    business_name: str
    """Finnish name."""
    sql_type: str
    meaning: str
    classification: str
    key: str
    """`primary 1`, `primary 2`, …, `-> <source>/<table>.<column>`, both, or empty."""
    is_required: bool
    is_in_lake: bool
    """False where only the vault reads the column."""
    is_pseudonym: bool
    """True where a personal identity code is sent and the person's number kept."""
    is_hidden_by_protection_order: bool
    """True where the lake holds NULL for a person under a protection order."""
    codes: tuple[str, ...]
    """`<code> = <meaning>`."""
    code_list: str
    """`<source>/<table>` of the dated list that explains the codes, with its set; else empty."""
    rules: tuple[str, ...]
    """`<rule id> (<severity>): <what holds>`, of this column; rules of the whole row stand with its
    first column."""
    controller: str
    register: str


def dictionary_rows(catalogue: Catalogue) -> list[DictionaryRow]:
    """The dictionary, by source, table and position of the column."""
    newest = [catalogue.latest(key) for key in catalogue.tables()]
    return [
        _row(contract, column, position=position)
        for contract in newest
        for position, column in enumerate(contract.columns, start=1)
    ]


def _row(contract: Contract, column: Column, *, position: int) -> DictionaryRow:
    return DictionaryRow(
        source=contract.source,
        table=contract.table,
        version=contract.version,
        position=position,
        column=column.name,
        source_name=column.source_name,
        business_name=column.business_name,
        sql_type=column.sql_type,
        meaning=column.description,
        classification=column.classification,
        key=_key(contract, column),
        is_required=column.is_required,
        is_in_lake=not column.is_vault_only,
        is_pseudonym=column.is_identity,
        is_hidden_by_protection_order=column.is_place,
        codes=tuple(f"{code} = {meaning}" for code, meaning in column.codes),
        code_list=_code_list(column),
        rules=_rules(contract, column, is_first=position == 1),
        controller=contract.controller,
        register=contract.register,
    )


def _key(contract: Contract, column: Column) -> str:
    position = column.primary_key_position
    targets = [
        f"-> {r.to_contract}.{r.to_columns[r.columns.index(column.name)]}"
        for r in contract.references
        if column.name in r.columns
    ]
    return " ".join([*([f"primary {position}"] if position else []), *targets])


def _code_list(column: Column) -> str:
    stated = column.code_list
    if stated is None:
        return ""
    return f"{stated.list_key} {stated.code_set}" if stated.code_set else stated.list_key


def _rules(contract: Contract, column: Column, *, is_first: bool) -> tuple[str, ...]:
    """Type and presence, the column's own rules, and with the first column those of the row."""
    implied = [(f"{column.name}.type", f"Reads as {column.sql_type}.")]
    if column.is_required:
        implied.append((f"{column.name}.required", "Is given."))
    stated = [
        f"{rule.id} ({rule.severity}): {rule.description}"
        for rule in contract.row_rules
        if rule.column == column.name or (rule.column is None and is_first)
    ]
    return (*(f"{id_} ({Severity.ERROR}): {text}" for id_, text in implied), *stated)
