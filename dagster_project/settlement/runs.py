"""Settlement runs: a month settled for good, recomputed, listed.

Here: one transaction a run, and the comparison of a recompute. Not here: inputs (`freezing`),
amounts (`reckoning`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dagster_project import pipeline
from dagster_project.errors import TietoallasError
from dagster_project.lake.builds import Green, last_event_id, newest_green
from dagster_project.lake.connection import Lake
from dagster_project.lake.ledger import PAYMENT_TABLES
from dagster_project.pipeline import Session
from dagster_project.settlement import acts, freezing, reckoning
from dagster_project.settlement.bench import Bench
from dagster_project.settlement.reckoning import RESULTS, Reckoned


@dataclass(frozen=True)
class Settled:
    """A month that was settled."""

    capitation_run_id: int
    rulebook_id: str
    settlement_month: date
    reckoned: Reckoned


@dataclass(frozen=True)
class Recomputed:
    """A recompute against the ledger."""

    capitation_run_id: int
    is_equal: bool
    differing: tuple[str, ...]
    """Tables whose rows differ."""
    ledger_sha256: str


def settle(
    session: Session, month: date, rulebook_id: str, *, known_through: date | None = None
) -> Settled:
    """Settle a month: freeze its inputs, write lines, adjustments and payments; all or nothing.

    Args:
        session: Lake and vault; everything taken in must be built.
        month: Its first day.
        rulebook_id: Which payment scheme.
        known_through: First day of the last month whose deliveries are taken note of; by default
            the month itself, so that what comes later is corrected in later runs.

    Raises:
        TietoallasError: the month is closed, or an input is missing or wrong; nothing was written.
    """
    lake = session.lake
    # Reads and working tables in one transaction: outside of one each statement asks the catalog.
    with lake.in_memory("ops", _REGISTER), lake.transaction():
        green = _green(lake)
        bench = freezing.gather(session, rulebook_id, month, known_through=known_through or month)
        reckoned = reckoning.reckon(bench)
    with lake.transaction():
        freezing.freeze(bench, session.definition.rulebooks)
        for name in RESULTS:
            _write(bench, f"capitation_{name}", f"select * from settle.{name}")
        _note_run(session, bench, reckoned, green)
        session.run.on_step("settlement written")
    session.run.on_step("settlement committed")
    return Settled(bench.values["capitation_run_id"], rulebook_id, month, reckoned)


_REGISTER = ("build", "delivery", "delivery_event")
"""Inlined in the catalog, where each look costs 10 to 20 ms."""


def _green(lake: Lake) -> Green:
    """The newest green build, which settlement reads: the lake as it stands.

    Raises:
        BuildError: there is none.
        TietoallasError: something has happened since.
    """
    green = newest_green(lake)
    if green.last_event_id != last_event_id(lake):
        raise TietoallasError(
            "deliveries have come or gone since the last green build; run `tietoallas run`, then"
            " settle"
        )
    return green


def _write(bench: Bench, table: str, sql: str) -> None:
    columns = PAYMENT_TABLES[table]
    stated = {
        name: f"${name} as {name}"
        for name in ("capitation_run_id", "rulebook_id", "version_date")
        if f"{name} " in columns
    }
    bench.run(
        f"insert into lake.mart.{table} by name select {', '.join(stated.values())},"
        f" $list_month as settlement_month, * from ({sql})"
    )


def _note_run(session: Session, bench: Bench, reckoned: Reckoned, green: Green) -> None:
    values, lake = bench.values, bench.lake
    enrolled, paid = bench.rows(
        "select cast(coalesce(sum(person_days), 0) as bigint), cast(coalesce(sum(person_days)"
        " filter (where status_code = 'paid'), 0) as bigint) from settle.listed"
        " where list_month = $list_month and not is_shadow"
    )[0]
    lake.execute(
        f"insert into lake.mart.capitation_run values ({', '.join('?' * 20)})",
        [
            values["capitation_run_id"],
            values["rulebook_id"],
            values["list_month"],
            values["version_date"],
            values["service_code"],
            values["mode_code"],
            values["is_budget_neutral"],
            acts.is_capitation_only(bench),
            reckoned.neutrality_factor,
            values["year_days"],
            values["month_days"],
            enrolled,
            paid,
            green.snapshot_id,
            green.last_event_id,
            pipeline.code_version(),
            reckoned.inputs_sha256,
            reckoned.ledger_sha256,
            session.run.now(),
            session.run.run_id,
        ],
    )


def recompute(lake: Lake, run_id: int) -> Recomputed:
    """Work a run out again from its frozen inputs and hold it against the ledger, byte by byte.

    Raises:
        TietoallasError: there is no such run.
    """
    with lake.transaction():
        bench = freezing.thaw(lake, run_id)
        reckoned = reckoning.reckon(bench)
    kept = lake.rows(
        "select ledger_sha256, inputs_sha256 from mart.capitation_run where capitation_run_id = ?",
        [run_id],
    )
    differing = tuple(name for name in RESULTS if not _is_as_kept(bench, name))
    is_equal = not differing and kept == [(reckoned.ledger_sha256, reckoned.inputs_sha256)]
    return Recomputed(run_id, is_equal, differing, reckoned.ledger_sha256)


def _is_as_kept(bench: Bench, name: str) -> bool:
    columns = ", ".join(
        column for column, *_ in bench.rows(f"describe select * from settle.{name}")
    )
    kept = (
        f"(select {columns} from mart.capitation_{name}"
        " where capitation_run_id = $capitation_run_id)"
    )
    return reckoning.table_text(bench, kept) == reckoning.table_text(bench, f"settle.{name}")
