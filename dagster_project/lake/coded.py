"""Views over coded columns and their lists, derived from the contracts: what `core.code_use` reads.

`coded.coded_value`: codes of rows in force, with the day on which each must be in force, counted.
`coded.coded_list`: entries of the lists; those that only an earlier delivery of the list had, or
one that was withdrawn, are marked.

Here: these views. Not here: the verdict (`sql/core/code_use.sql`), what follows from it (`checks`).
"""

from __future__ import annotations

import hashlib

from dagster_project.contracts.model import Catalogue, CodeList, Column, Contract
from dagster_project.contracts.relations import code_column
from dagster_project.lake.connection import Lake
from dagster_project.sql_text import literal, quoted

VIEWS = {
    "coded_value": (
        "source",
        "table_name",
        "column_name",
        "severity",
        "code_list",
        "code_set",
        "delivery_sequence",
        "code",
        "event_date",
        "entry_count",
    ),
    "coded_list": (
        "code_list",
        "code_set",
        "code",
        "valid_from_date",
        "valid_to_date",
        "is_current",
    ),
}
"""Columns by view."""
ANY_SET = "all"
"""`code_set` of a column that may be coded by any of a list's sets, and of a list without sets."""
_NOTHING = {
    "coded_value": (
        "select '' as source, '' as table_name, '' as column_name, '' as severity,"
        " '' as code_list, '' as code_set, cast(0 as bigint) as delivery_sequence, '' as code,"
        " cast(null as date) as event_date, cast(0 as bigint) as entry_count limit 0"
    ),
    "coded_list": (
        "select '' as code_list, '' as code_set, '' as code, cast(null as date) as valid_from_date,"
        " cast(null as date) as valid_to_date, true as is_current limit 0"
    ),
}


def create_coded_views(lake: Lake, catalogue: Catalogue) -> None:
    """Make both views of this connection."""
    for name, sql in coded_queries(catalogue).items():
        lake.execute(f"create or replace view memory.coded.{name} as {sql}")


def coded_hashes(catalogue: Catalogue) -> dict[str, str]:
    """Digest of each view's query: what models that read it are also made of."""
    queries = coded_queries(catalogue).items()
    return {name: hashlib.sha256(sql.encode()).hexdigest() for name, sql in queries}


def coded_contracts(catalogue: Catalogue) -> list[Contract]:
    """The newest contract of each table that has a coded column."""
    newest = [catalogue.latest(key) for key in catalogue.tables()]
    return [contract for contract in newest if contract.coded_columns]


def coded_queries(catalogue: Catalogue) -> dict[str, str]:
    """What each view is."""
    contracts = coded_contracts(catalogue)
    lists = {
        (c.code_list.list_key, c.code_list.code_set or ANY_SET): c.code_list
        for contract in contracts
        for c in contract.coded_columns
        if c.code_list is not None
    }
    parts = {
        "coded_value": [f"from ({_values(contract)})" for contract in contracts],
        "coded_list": [_list(catalogue, lists[name]) for name in sorted(lists)],
    }
    return {name: " union all ".join(parts[name]) or _NOTHING[name] for name in VIEWS}


def _values(contract: Contract) -> str:
    """One pass over the rows in force, however many of their columns are coded.

    Moments are counted by the hour and then by the day: a day begins on a full hour in any zone of
    whole hours, and to find it for ten million moments would take most of the time.
    """
    names = dict.fromkeys(c.name for c in contract.coded_columns)
    days = dict.fromkeys(c.code_list.as_of for c in contract.coded_columns if c.code_list)
    columns = ", ".join(map(quoted, names))
    hours = ", ".join(f"{_hour(contract.column(d))} as {quoted(f'hour of {d}')}" for d in days)
    dates = ", ".join(f"{_day(contract.column(d))} as {quoted(f'day of {d}')}" for d in days)
    branches = " union all ".join(_branch(contract, c) for c in contract.coded_columns)
    return (
        f"with hourly as (select delivery_sequence, {columns}, {hours}, count(*) as entry_count"
        f" from current.{quoted(contract.table)} group by all),"
        f" counted as materialized (select delivery_sequence, {columns}, {dates},"
        f" sum(entry_count) as entry_count from hourly group by all) {branches}"
    )


def _hour(column: Column) -> str:
    name = quoted(column.name)
    return f"date_trunc('hour', {name})" if column.sql_type == "TIMESTAMP" else name


def _day(column: Column) -> str:
    hour = quoted(f"hour of {column.name}")
    return f"civil_date({hour})" if column.sql_type == "TIMESTAMP" else hour


def _branch(contract: Contract, column: Column) -> str:
    stated = column.code_list
    if stated is None:
        raise ValueError(f"{contract.key}.{column.name} is not coded")
    return (
        f"select {literal(contract.source)} as source, {literal(contract.table)} as table_name,"
        f" {literal(column.name)} as column_name, {literal(stated.severity)} as severity,"
        f" {_named(stated)}, delivery_sequence,"
        f" {quoted(column.name)} as code, {quoted(f'day of {stated.as_of}')} as event_date,"
        " cast(sum(entry_count) as bigint) as entry_count"
        f" from counted where {quoted(column.name)} is not null group by all"
    )


def _named(stated: CodeList) -> str:
    code_set = literal(stated.code_set or ANY_SET)
    return f"{literal(stated.list_key)} as code_list, {code_set} as code_set"


def _list(catalogue: Catalogue, stated: CodeList) -> str:
    contract = catalogue.latest(stated.list_key)
    code = code_column(contract)
    if code is None:
        raise ValueError(f"{contract.key} is no list of codes")
    chosen = f" where code_set = {literal(stated.code_set)}" if stated.code_set else ""
    table = quoted(contract.table)
    return " union all ".join(
        f"select {_named(stated)}, {quoted(code.name)} as code,"
        f" valid_from_date, valid_to_date, {is_current} as is_current from {rows}{chosen}"
        for rows, is_current in ((f"current.{table}", "true"), (f"lake.staging.{table}", "false"))
    )
