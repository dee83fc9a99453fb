"""What the register says: deliveries, gaps, refusals, withdrawals, builds.

Here: reading `ops`, and the two acts that change a delivery's standing. Not here: taking
deliveries in.
"""

from __future__ import annotations

from dataclasses import dataclass

from dagster_project.contracts.model import Catalogue
from dagster_project.errors import TietoallasError
from dagster_project.lake.connection import Lake
from dagster_project.lake.contract_checks import gaps_sql
from dagster_project.lake.delivery import write_events
from dagster_project.lake.runs import Run
from dagster_project.lake.views import note_withdrawals


@dataclass(frozen=True)
class TableStatus:
    """How one delivered table stands."""

    key: str
    delivery_count: int
    newest_sequence: int | None
    accepted_count: int
    quarantined_count: int
    duplicate_count: int
    withdrawn_count: int
    gap_sequences: tuple[int, ...]


def table_statuses(lake: Lake, catalogue: Catalogue) -> tuple[TableStatus, ...]:
    """One line per contract."""
    return tuple(_status(lake, catalogue, key) for key in catalogue.tables())


def _status(lake: Lake, catalogue: Catalogue, key: str) -> TableStatus:
    contract = catalogue.latest(key)
    mine = [contract.source, contract.table]
    row = lake.rows(
        "select count(*), max(delivery_sequence), coalesce(sum(accepted_count), 0),"
        " coalesce(sum(quarantined_count), 0), coalesce(sum(duplicate_count), 0)"
        " from ops.delivery where source = ? and table_name = ?",
        mine,
    )[0]
    withdrawn = lake.count(
        "select count(*) from effective.withdrawn_delivery where source = ? and table_name = ?",
        mine,
    )
    gaps = tuple(sequence for (sequence,) in lake.rows(gaps_sql(contract)))
    return TableStatus(
        key, row[0], row[1], int(row[2]), int(row[3]), int(row[4]), withdrawn, tuple(sorted(gaps))
    )


def withdraw(
    lake: Lake, catalogue: Catalogue, run: Run, *, key: str, sequence: int, reason: str
) -> None:
    """Take a delivery out of force; its rows stay in staging and come back with `reinstate`.

    Raises:
        TietoallasError: there is no such delivery, or it is withdrawn already.
    """
    _change_standing(
        lake, catalogue, run, key=key, sequence=sequence, event="withdrawn", reason=reason
    )


def reinstate(
    lake: Lake, catalogue: Catalogue, run: Run, *, key: str, sequence: int, reason: str
) -> None:
    """Put a withdrawn delivery in force again.

    Raises:
        TietoallasError: there is no such delivery, or it is in force.
    """
    _change_standing(
        lake, catalogue, run, key=key, sequence=sequence, event="reinstated", reason=reason
    )


def _change_standing(
    lake: Lake,
    catalogue: Catalogue,
    run: Run,
    *,
    key: str,
    sequence: int,
    event: str,
    reason: str,
) -> None:
    if key not in catalogue.tables():
        raise TietoallasError(f"no contract {key}; known are: {', '.join(catalogue.tables())}")
    contract = catalogue.latest(key)
    delivery = (contract.source, contract.table, sequence)
    where = "source = ? and table_name = ? and delivery_sequence = ?"
    if not lake.count(f"select count(*) from ops.delivery where {where}", [*delivery]):
        raise TietoallasError(f"{key} {sequence} was never taken in; see `tietoallas status`")
    withdrawn = lake.count(
        f"select count(*) from effective.withdrawn_delivery where {where}", [*delivery]
    )
    if bool(withdrawn) == (event == "withdrawn"):
        raise TietoallasError(
            f"{key} {sequence} is {'withdrawn' if withdrawn else 'in force'} already"
        )
    with lake.transaction():
        write_events(lake, [delivery], event, run, reason=reason)
    note_withdrawals(lake)
    run.on_step(f"delivery {event}")
