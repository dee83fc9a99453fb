"""What must hold among contracts.

Here: majors of one table, references between tables, names shared by all. Not here: one contract by
itself (`loader`).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from dagster_project.contracts.model import Catalogue, Column, Contract
from dagster_project.errors import ContractError


def check_catalogue(contracts: Mapping[Path, Contract]) -> None:
    """Checks all contracts against each other.

    Args:
        contracts: each by the file it was read from.

    Raises:
        ContractError: a major is missing, out of order or without upcast, a reference leads
            nowhere, or two sources have a table of one name.
    """
    catalogue = Catalogue(tuple(contracts.values()))
    paths = {(c.key, c.major): path for path, c in contracts.items()}
    _check_table_names(catalogue, paths)
    for key in catalogue.tables():
        _check_majors(catalogue.majors(key), paths)
    for path, contract in contracts.items():
        _check_references(contract, catalogue, path=path)
        for column in contract.coded_columns:
            _check_code_list(column, catalogue, path=path)


def _check_table_names(catalogue: Catalogue, paths: Mapping[tuple[str, int], Path]) -> None:
    owner: dict[str, str] = {}
    for contract in catalogue.contracts:
        other = owner.setdefault(contract.table, contract.key)
        if other != contract.key:
            raise ContractError(
                f"{paths[contract.key, contract.major]}: {other} has a table of this name too; "
                "table names are unique over sources, rename one"
            )


def _check_majors(majors: tuple[Contract, ...], paths: Mapping[tuple[str, int], Path]) -> None:
    numbers = [c.major for c in majors]
    last = majors[-1]
    if numbers != list(range(1, len(numbers) + 1)):
        raise ContractError(
            f"{paths[last.key, last.major]}: majors are {numbers}; keep every major from 1 on"
        )
    if last.upcast:
        raise ContractError(
            f"{paths[last.key, last.major]}: upcast in the newest major; remove it, or add the next"
        )
    for older, newer in pairwise(majors):
        _check_succession(older, newer, path=paths[older.key, older.major])


def _check_succession(older: Contract, newer: Contract, *, path: Path) -> None:
    if newer.delivery.sequence_from <= older.delivery.sequence_from:
        raise ContractError(
            f"{path}: major {newer.major} does not begin after major {older.major}; "
            "give the newer one a later delivery.sequenceFrom"
        )
    needed = {c.name for c in newer.columns if _needs_upcast(c, older)}
    missing, useless = sorted(needed - set(older.upcast)), sorted(set(older.upcast) - needed)
    if missing:
        raise ContractError(
            f"{path}: customProperties.upcast: major {newer.major} adds or changes "
            f"{', '.join(missing)}; say in SQL what old rows have there"
        )
    if useless:
        raise ContractError(
            f"{path}: customProperties.upcast: {', '.join(useless)} is not added or changed in "
            f"major {newer.major}; remove it"
        )


def _needs_upcast(column: Column, older: Contract) -> bool:
    """Whether an old row does not give the column as it is."""
    before = {c.name: c for c in older.columns}.get(column.name)
    if before is None:
        return True
    became_required = column.is_required and not before.is_required
    return (
        became_required
        or before.sql_type != column.sql_type
        or before.is_identity != column.is_identity
    )


def _check_references(contract: Contract, catalogue: Catalogue, *, path: Path) -> None:
    for reference in contract.references:
        if reference.to_contract not in catalogue.tables():
            raise ContractError(
                f"{path}: reference from {', '.join(reference.columns)}: there is no contract "
                f"{reference.to_contract}; correct the path or add the contract"
            )
        target = catalogue.latest(reference.to_contract)
        for from_name, to_name in zip(reference.columns, reference.to_columns, strict=True):
            _check_target(contract.column(from_name), target, name=to_name, path=path)


def code_column(code_list: Contract) -> Column | None:
    """The column that holds a list's codes: what is left of its key without set and first day.

    None where the contract is no dated list of codes.
    """
    dates = [c for c in code_list.lake_columns if c.name in ("valid_from_date", "valid_to_date")]
    if [c.sql_type for c in dates] != ["DATE", "DATE"]:
        return None
    rest = set(code_list.primary_key) - {"code_set"}
    if "valid_from_date" not in rest or len(rest) != 2:
        return None
    found = code_list.column(*(rest - {"valid_from_date"}))
    return found if found.sql_type == "VARCHAR" else None


def _check_code_list(column: Column, catalogue: Catalogue, *, path: Path) -> None:
    if column.code_list is None:
        return
    stated, where = column.code_list, f"{path}: codeList of {column.name}"
    if stated.list_key not in catalogue.tables():
        raise ContractError(
            f"{where}: there is no contract {stated.list_key}; correct the path or add the contract"
        )
    target = catalogue.latest(stated.list_key)
    if code_column(target) is None:
        raise ContractError(
            f"{where}: {target.key} is no dated list of codes; its key is a code and"
            " valid_from_date, with code_set where it has several sets, and valid_to_date beside"
        )
    sets = next((dict(c.codes) for c in target.columns if c.name == "code_set"), None)
    if stated.code_set is not None and stated.code_set not in (sets or ()):
        raise ContractError(
            f"{where}: {target.key} has no set {stated.code_set};"
            f" it has {', '.join(sets or ['no sets'])}"
        )


def _check_target(column: Column, target: Contract, *, name: str, path: Path) -> None:
    found = next((c for c in target.lake_columns if c.name == name), None)
    if found is None:
        raise ContractError(
            f"{path}: reference from {column.name}: {target.key} has no column {name} in the lake; "
            "correct the name"
        )
    if found.sql_type != column.sql_type:
        raise ContractError(
            f"{path}: reference from {column.name} ({column.sql_type}) to {target.key}.{name} "
            f"({found.sql_type}): types differ; give both the same type"
        )
