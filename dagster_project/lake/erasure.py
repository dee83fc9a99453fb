"""Rows that leave the lake for good: a person's, by right; a delivery's, when its time is over.

Staging loses the rows, and the register counts them as erased, so that both conservation laws go on
holding. Every model is then built whole from what is left. Files of old snapshots go with
`maintenance.maintain`.

Here: staging and the register. Not here: the vault (`vault.person_records`), releases (`rights`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from dagster_project.contracts.model import Catalogue, Contract, DeliveryMode
from dagster_project.lake.connection import Lake
from dagster_project.lake.ledger import take_out_persons
from dagster_project.lake.risk_tables import take_out_scored
from dagster_project.lake.runs import Run
from dagster_project.sql_text import quoted

_NOT_AS_BUILT = "rows were erased since"


@dataclass(frozen=True)
class Expired:
    """A delivery whose time is over."""

    contract: Contract
    sequence: int
    sha256: str


def persons_with(lake: Lake, person_id: int) -> frozenset[int]:
    """All ids of the person whom an id stands for, as core has them linked."""
    if not lake.has_table("core", "person_alias"):
        return frozenset({person_id})
    rows = lake.rows(
        "with whole as (select coalesce((select person_id from core.person_alias"
        " where alias_person_id = ?), ?) as person_id)"
        " select person_id from whole union select alias_person_id from core.person_alias"
        " where person_id = (select person_id from whole)",
        [person_id, person_id],
    )
    return frozenset(found for (found,) in rows)


def erase_persons(lake: Lake, catalogue: Catalogue, run: Run, persons: frozenset[int]) -> int:
    """Take all rows of some persons out of staging, in one transaction; returns how many.

    A row of another person loses what it says of these. Where the newest version of a record is
    theirs, the older ones go too: none of them may come into force in its place.
    """
    with lake.transaction():
        lake.execute("create or replace temp table erased_person (person_id bigint)")
        lake.execute(
            f"insert into erased_person values {', '.join(f'({int(p)})' for p in sorted(persons))}"
        )
        contracts = [catalogue.latest(key) for key in catalogue.tables()]
        count = sum(_erase_from(lake, run, c) for c in contracts if c.identities)
        take_out_persons(lake, "select person_id from erased_person")
        take_out_scored(lake, "select person_id from erased_person")
        if count:
            _build_anew(lake, run)
        run.on_step("persons erased")
    return count


def _erase_from(lake: Lake, run: Run, contract: Contract) -> int:
    table, erased = f"staging.{quoted(contract.table)}", "(select person_id from erased_person)"
    own, *others = [quoted(c.name) for c in contract.identities]
    lake.execute(
        f"create or replace temp table erased_row as select delivery_sequence, record_number"
        f" from {table} where {own} in {erased}{_older_versions(contract, own, erased)}"
    )
    for other in others:
        lake.execute(
            f"update lake.{table} set {other} = null where {other} in {erased}"
            f" and {own} not in {erased}"
        )
    return _delete(lake, run, contract, "erasure")


def _older_versions(contract: Contract, own: str, erased: str) -> str:
    if contract.delivery.mode is DeliveryMode.SNAPSHOT:
        return ""
    key = ", ".join(quoted(name) for name in contract.primary_key)
    current = f"current.{quoted(contract.table)}"
    return f" or ({key}) in (select ({key}) from {current} where {own} in {erased})"


def _delete(lake: Lake, run: Run, contract: Contract, act: str) -> int:
    """Delete `erased_row` from a staging table, and count it in the register."""
    lake.execute(
        "insert into lake.ops.erasure select ?, ?, delivery_sequence, ?, count(*), ?, ?"
        " from erased_row group by delivery_sequence",
        [contract.source, contract.table, act, run.now(), run.run_id],
    )
    lake.execute(
        f"delete from lake.staging.{quoted(contract.table)} where (delivery_sequence,"
        " record_number) in (select (delivery_sequence, record_number) from erased_row)"
    )
    return lake.count("select count(*) from erased_row")


def expired(lake: Lake, catalogue: Catalogue, as_of: date) -> tuple[Expired, ...]:
    """Deliveries kept for as long as their contract says, counted from the last day they cover.

    The newest of a snapshot table is in force, however old, and stays.
    """
    found = (_expired(lake, catalogue, key, as_of) for key in catalogue.tables())
    return tuple(delivery for deliveries in found for delivery in deliveries)


def _expired(lake: Lake, catalogue: Catalogue, key: str, as_of: date) -> Iterable[Expired]:
    contract = catalogue.latest(key)
    is_snapshot = contract.delivery.mode is DeliveryMode.SNAPSHOT
    rows = lake.rows(
        "select delivery_sequence, sha256 from ops.delivery as delivery"
        " where source = ? and table_name = ?"
        f" and covers_to_date + interval {int(contract.retention_years)} year < ?"
        " and (not ? or delivery_sequence < (select max(delivery_sequence) from effective.delivery"
        " where source = delivery.source and table_name = delivery.table_name))"
        " and not exists (select 1 from ops.erasure where source = delivery.source"
        " and table_name = delivery.table_name and act = 'expiry'"
        " and delivery_sequence = delivery.delivery_sequence) order by delivery_sequence",
        [contract.source, contract.table, as_of, is_snapshot],
    )
    return [Expired(contract, sequence, sha256) for sequence, sha256 in rows]


def erase_deliveries(lake: Lake, run: Run, deliveries: Iterable[Expired]) -> int:
    """Take all rows of deliveries out of staging, in one transaction; returns how many."""
    count = 0
    with lake.transaction():
        for delivery in deliveries:
            contract = delivery.contract
            lake.execute(
                "create or replace temp table erased_row as select delivery_sequence,"
                f" record_number from staging.{quoted(contract.table)}"
                " where delivery_sequence = ?",
                [delivery.sequence],
            )
            count += _delete(lake, run, contract, "expiry")
        if count:
            _build_anew(lake, run)
        run.on_step("deliveries expired")
    return count


def _build_anew(lake: Lake, run: Run) -> None:
    """Let every model be built whole: what is gone is in no difference to the last build."""
    lake.execute(
        "insert into lake.ops.model_build select distinct model, ?, 0, 0, 'nothing', ?, ?"
        " from ops.model_build",
        [_NOT_AS_BUILT, run.now(), run.run_id],
    )
