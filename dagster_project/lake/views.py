"""What models read in place of raw staging: views derived from the contracts.

`effective.<table>`: every accepted version whose delivery is not withdrawn; `effective.delivery`:
the register entries of those deliveries.
`current.<table>`: the version in force of each row. Of an increment table the greatest by (the
row's own update time, sequence, record); of a snapshot table the rows of the newest snapshot.
`changed.<table>`: all versions of rows that anything has happened to since the last green build.

Here: these views. Not here: staging itself (`ddl`), or what is built from them (`builds`).
"""

from __future__ import annotations

from dagster_project.contracts.model import Catalogue, Contract, DeliveryMode
from dagster_project.lake.casts import CREATE_MACROS
from dagster_project.lake.connection import Lake
from dagster_project.rulebook import Rulebook
from dagster_project.sql_text import literal, quoted

WITHDRAWN = """
    select source, table_name, delivery_sequence
    from ops.delivery_event
    where event in ('landed', 'withdrawn', 'reinstated')
    qualify row_number() over (
        partition by source, table_name, delivery_sequence order by event_id desc
    ) = 1 and event = 'withdrawn'
"""

PROMISE = "promise"

GREEN_EVENT = "(select coalesce(max(last_event_id), 0) from ops.build)"
GREEN_PROTECTION = "(select coalesce(max(protection_count), 0) from ops.build)"


def create_views(lake: Lake, catalogue: Catalogue) -> None:
    """Make the views of this connection, and the macros that models use.

    In one transaction: outside of one each statement asks the lake's catalog anew.
    """
    with lake.transaction():
        _create_views(lake, catalogue)


def _create_views(lake: Lake, catalogue: Catalogue) -> None:
    note_withdrawals(lake)
    lake.execute(
        "create or replace view memory.effective.delivery as select * from lake.ops.delivery"
        " anti join effective.withdrawn_delivery using (source, table_name, delivery_sequence)"
    )
    lake.execute(CREATE_MACROS)
    for key in catalogue.tables():
        contract = catalogue.latest(key)
        name = quoted(contract.table)
        for schema, sql in row_queries(contract).items():
            lake.execute(f"create or replace view memory.{schema}.{name} as {sql}")
        lake.execute(f"create or replace view memory.changed.{name} as {_changed(contract)}")
    create_promise_view(lake, catalogue)


def row_queries(contract: Contract) -> dict[str, str]:
    """What `effective.<table>` and `current.<table>` are, by schema."""
    return {"effective": _effective(contract), "current": _current(contract)}


def note_withdrawals(lake: Lake) -> None:
    """Bring `effective.withdrawn_delivery` up to the register, whose every scan costs 20 ms.

    A table, for nearly every query reads it; whoever changes a delivery's standing calls this.
    """
    lake.execute(f"create or replace table memory.effective.withdrawn_delivery as {WITHDRAWN}")


def create_rulebook_views(lake: Lake, rulebooks: tuple[Rulebook, ...]) -> None:
    """Make `rulebook.<name>` for each rulebook."""
    for book in rulebooks:
        lake.execute(f"create or replace view memory.rulebook.{quoted(book.name)} as {book.sql}")


def create_promise_view(lake: Lake, catalogue: Catalogue) -> None:
    """Make `rulebook.promise`: what the newest contract of each table promises about time."""
    rows = ", ".join(
        f"({literal(c.source)}, {literal(c.table)}, {literal(c.delivery.sequence_step)},"
        f" {c.freshness_days})"
        for c in map(catalogue.latest, catalogue.tables())
    )
    lake.execute(
        f"create or replace view memory.rulebook.{PROMISE} as select source, table_name,"
        " sequence_step, cast(freshness_days as integer) as freshness_days"
        f" from (values {rows}) as promise(source, table_name, sequence_step, freshness_days)"
    )


def _withdrawn_here(contract: Contract) -> str:
    return (
        "select delivery_sequence from effective.withdrawn_delivery"
        f" where source = '{contract.source}' and table_name = '{contract.table}'"
    )


def _effective(contract: Contract) -> str:
    return (
        f"select * from lake.staging.{quoted(contract.table)}"
        f" where delivery_sequence not in ({_withdrawn_here(contract)})"
    )


def _current(contract: Contract) -> str:
    effective = f"effective.{quoted(contract.table)}"
    if contract.delivery.mode is DeliveryMode.SNAPSHOT:
        return (
            f"select * from {effective}"
            f" where delivery_sequence = (select max(delivery_sequence) from {effective})"
        )
    key = ", ".join(quoted(name) for name in contract.primary_key)
    # Few rows are ever restated: only those are ranked, the rest go straight through.
    return (
        f"with repeated as (select {key} from {effective} group by {key} having count(*) > 1),"
        f" ranked as (select * from {effective} semi join repeated using ({key})"
        f" qualify row_number() over (partition by {key} order by {_newest_first(contract)}) = 1)"
        f" select * from {effective} anti join repeated using ({key})"
        " union all select * from ranked"
    )


def _newest_first(contract: Contract) -> str:
    updated_at = contract.delivery.updated_at_column
    own_time = f"{quoted(updated_at)} desc nulls last, " if updated_at else ""
    return f"{own_time}delivery_sequence desc, record_number desc"


def _changed(contract: Contract) -> str:
    """What is new and what it replaces, so that the months of old and new versions are known."""
    table = f"lake.staging.{quoted(contract.table)}"
    key = ", ".join(quoted(name) for name in contract.primary_key)
    touched = (
        "select delivery_sequence from ops.delivery_event"
        f" where source = '{contract.source}' and table_name = '{contract.table}'"
        f" and event_id > {GREEN_EVENT}"
    )
    fresh = f"select * from {table} where delivery_sequence in ({touched})"
    older = (
        f"select * from {table} semi join (select {key} from {table}"
        f" where delivery_sequence in ({touched})) as fresh_keys using ({key})"
        f" where delivery_sequence not in ({touched})"
    )
    return f"{fresh} union all {older}{_newly_protected(contract, table)}"


def _newly_protected(contract: Contract, table: str) -> str:
    if not contract.identities or not any(c.is_place for c in contract.lake_columns):
        return ""
    protected = (
        f"(select person_id from vault.protection where protection_number > {GREEN_PROTECTION})"
    )
    named = " or ".join(f"{quoted(c.name)} in {protected}" for c in contract.identities)
    return f" union all select * from {table} where {named}"
