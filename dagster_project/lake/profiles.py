"""How each delivery's columns are distributed, counted once: what drift is told from.

A delivery's rows never change, so its profile is counted when it has come and kept in the register:
`ops.column_profile` (how many rows, missing values and distinct values, mean and quartiles) and
`ops.column_bucket` (rows by bucket). A bucket is not a value: codes fall into one of 20 by their
digest, numbers into bins of half their logarithm, and dates are fortnights before the last day of
the delivery, since days would tell weekends and not drift. Columns that name a person, a place or
a row, and what the vault alone reads, have no profile. Nothing is told of fewer than 8 persons:
quartiles need 32, and missing values 8 who have one and 8 who have none.

Here: counting. Not here: what counts as drift (`sql/mart/data_drift.sql`).
"""

from __future__ import annotations

from dagster_project.contracts.model import Catalogue, Column, Contract
from dagster_project.lake.connection import Lake
from dagster_project.sql_text import literal, quoted

FEWEST_PERSONS = 8
_FOR_QUARTILES = 4 * FEWEST_PERSONS
_BUCKETS = 20
_PERSON_MARKS = 61
"""Persons are counted as distinct remainders: never more than there are, and at no cost."""
_PER_E = 2
"""Bins of numbers in a factor of e: ten or so for what is between one and a hundred."""
_FORTNIGHT = 14
_MOMENTS = ("DATE", "TIMESTAMP")


def bring_up(lake: Lake, catalogue: Catalogue, *, only: str | None = None) -> int:
    """Count the deliveries that have no profile yet; returns how many tables had such."""
    lake.execute(
        "create or replace temp table fresh_delivery as select source, table_name,"
        " delivery_sequence, covers_to_date as profile_date from ops.delivery"
        " anti join ops.profiled using (source, table_name, delivery_sequence)"
    )
    behind = {
        f"{source}/{table}"
        for source, table in lake.rows("select distinct source, table_name from fresh_delivery")
    }
    keys = [k for k in catalogue.tables() if k in behind and only in (None, k)]
    if keys:
        _count(lake, [catalogue.latest(key) for key in keys])
    lake.execute("drop table fresh_delivery")
    return len(keys)


def _count(lake: Lake, contracts: list[Contract]) -> None:
    """Count in memory, then write in one transaction, so that there is one file and not many."""
    lake.execute("create or replace temp table fresh_profile as from ops.column_profile limit 0")
    lake.execute("create or replace temp table fresh_bucket as from ops.column_bucket limit 0")
    for contract in contracts:
        columns = profiled_columns(contract)
        if columns:
            lake.execute(f"create or replace temp table counted_value as {_values(contract)}")
            lake.execute(f"insert into fresh_profile {_profiles(contract)}")
            lake.execute(f"insert into fresh_bucket {_buckets(contract)}")
    lake.execute("drop table if exists counted_value")
    counted = ", ".join(literal(contract.key) for contract in contracts)
    with lake.transaction():
        lake.execute("insert into lake.ops.column_profile from fresh_profile")
        lake.execute("insert into lake.ops.column_bucket from fresh_bucket")
        lake.execute(
            "insert into lake.ops.profiled select source, table_name, delivery_sequence"
            f" from fresh_delivery where concat(source, '/', table_name) in ({counted})"
        )
    lake.execute("drop table fresh_profile")
    lake.execute("drop table fresh_bucket")


def profiled_columns(contract: Contract) -> tuple[Column, ...]:
    """Columns whose distribution means something and tells of nobody."""
    names = {name for reference in contract.references for name in reference.columns}
    return tuple(
        c
        for c in contract.lake_columns
        if not (c.is_identity or c.is_place or c.primary_key_position is not None)
        and c.name not in names
        and c.name != contract.delivery.updated_at_column
    )


def _values(contract: Contract) -> str:
    """Rows by delivery, column and value, with the persons they are of, in one pass."""
    columns = profiled_columns(contract)
    persons = [quoted(c.name) for c in contract.identities]
    marks = " | ".join(
        f"coalesce(cast(1 as bigint) << cast({p} % {_PERSON_MARKS} as integer), 0)" for p in persons
    )
    values = [f"value_{number}" for number in range(len(columns))]
    taken = (_value(c, as_name) for c, as_name in zip(columns, values, strict=True))
    rows = (
        f"select delivery_sequence, {marks or '-1'} as person_marks, {', '.join(taken)}"
        f" from lake.staging.{quoted(contract.table)} join (select delivery_sequence, profile_date"
        f" from fresh_delivery where source = {literal(contract.source)}"
        f" and table_name = {literal(contract.table)}) as fresh using (delivery_sequence)"
    )
    sets = ", ".join(f"(delivery_sequence, {value})" for value in values)
    groupings = ", ".join(f"grouping({value}) as grouping_{value}" for value in values)
    grouped = (
        f"select delivery_sequence, {', '.join(values)}, {groupings}, count(*) as row_count,"
        f" bit_or(person_marks) as person_marks from ({rows}) group by grouping sets ({sets})"
    )
    parts = [
        f"select delivery_sequence, {literal(column.name)} as column_name,"
        f" {'cast(null as double)' if _is_code(column) else value} as number_value,"
        f" {value if _is_code(column) else 'cast(null as varchar)'} as code_value,"
        f" row_count, person_marks from grouped where grouping_{value} = 0"
        for column, value in zip(columns, values, strict=True)
    ]
    return f"with grouped as ({grouped}) {' union all '.join(parts)}"


def _value(column: Column, as_name: str) -> str:
    """A code as text, a number as such, a date as days before the end of its delivery."""
    name = quoted(column.name)
    if column.sql_type in _MOMENTS:
        name = f"date_diff('day', cast({name} as date), profile_date)"
    return f"cast({name} as {'varchar' if _is_code(column) else 'double'}) as {as_name}"


def _is_code(column: Column) -> bool:
    return column.sql_type in ("VARCHAR", "BOOLEAN")


_IS_GIVEN = "(number_value is not null or code_value is not null)"
_PERSONS_GIVEN = f"bit_count(coalesce(bit_or(person_marks) filter ({_IS_GIVEN}), 0))"
_PERSONS_MISSING = f"bit_count(coalesce(bit_or(person_marks) filter (not {_IS_GIVEN}), 0))"


def _profiles(contract: Contract) -> str:
    """One row per delivery and column; sums are of decimals, so that they are always the same."""
    enough = f"given_persons >= {FEWEST_PERSONS}"
    for_quartiles = f"given_persons >= {_FOR_QUARTILES}"
    quartiles = ", ".join(
        f"case when {for_quartiles} then q{n} end as q{n}_value" for n in (1, 2, 3)
    )
    return (
        "with placed as (select *, sum(row_count) filter (number_value is not null)"
        " over (partition by delivery_sequence, column_name order by number_value nulls last)"
        " as upto,"
        " sum(row_count) filter (number_value is not null)"
        " over (partition by delivery_sequence, column_name) as numbers from counted_value),"
        " counted as (select delivery_sequence, column_name, sum(row_count) as row_count,"
        f" coalesce(sum(row_count) filter (not {_IS_GIVEN}), 0) as missing_count,"
        f" count(*) filter ({_IS_GIVEN}) as distinct_count, {_PERSONS_GIVEN} as given_persons,"
        f" {_PERSONS_MISSING} as missing_persons,"
        " sum(try_cast(number_value as decimal(24, 6)) * cast(row_count as decimal(12, 0)))"
        " / nullif(max(numbers), 0) as mean,"
        + ",".join(
            f" min(number_value) filter (4 * upto >= {n} * numbers) as q{n}" for n in (1, 2, 3)
        )
        + " from placed group by delivery_sequence, column_name)"
        f" select {literal(contract.source)}, {literal(contract.table)}, delivery_sequence,"
        " column_name, cast(row_count as bigint),"
        f" case when (missing_count = 0 or missing_persons >= {FEWEST_PERSONS})"
        f" and (missing_count = row_count or {enough}) then cast(missing_count as bigint) end,"
        f" case when {enough} then distinct_count end,"
        f" case when {enough} then cast(mean as double) end, {quartiles} from counted"
    )


def _buckets(contract: Contract) -> str:
    """Rows by bucket: 0 of what is missing, codes by digest, numbers by sign and logarithm."""
    digest = f"cast(concat('0x', substr(md5(code_value), 1, 6)) as integer) % {_BUCKETS}"
    dates = [c.name for c in profiled_columns(contract) if c.sql_type in _MOMENTS]
    is_date = f"column_name in ({', '.join(map(literal, dates)) or 'null'})"
    size = f"abs(number_value) / case when {is_date} then {_FORTNIGHT} else 1 end"
    bin_number = f"cast(sign(number_value) * floor({_PER_E} * ln(1 + {size})) as bigint)"
    return (
        f"select {literal(contract.source)}, {literal(contract.table)}, delivery_sequence,"
        " column_name, case when code_value is not null then"
        f" 10001 + {digest} when number_value is not null then 1 + {bin_number}"
        " + case when number_value < 0 then -1 else 0 end"
        " end as bucket_number, cast(sum(row_count) as bigint) from counted_value"
        " group by delivery_sequence, column_name, bucket_number"
    )
