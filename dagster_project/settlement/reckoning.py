"""From frozen inputs to euros: rates, lines, adjustments, payments, explanations, digests.

The same for a settlement, its recompute years later, and a draft rulebook: nothing here asks the
lake for anything but the working tables.

Here: the order of queries, and rows as canonical text. Not here: what goes into the working tables
(`freezing`), writing them (`ledger_writing`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa

from dagster_project.errors import TietoallasError
from dagster_project.settlement.acts import FACTORS
from dagster_project.settlement.bench import Bench
from dagster_project.settlement.words import LANGUAGES, Step, texts

RESULTS = ("line", "adjustment", "payment", "explanation")
_DAYS = "cast(coalesce(sum(person_days), 0) as bigint)"


@dataclass(frozen=True)
class Reckoned:
    """A settlement in sums and digests."""

    line_count: int
    adjustment_count: int
    provider_count: int
    paid_eur: Decimal
    shadow_eur: Decimal
    neutrality_factor: Decimal
    inputs_sha256: str
    ledger_sha256: str


def reckon(bench: Bench) -> Reckoned:
    """Work out lines, adjustments, payments and explanations into working tables.

    Raises:
        TietoallasError: days without a rate, or sums that do not agree; nothing was written.
    """
    bench.make("rate")
    bench.make("new_rate")
    bench.make("cell")
    bench.make("priced", "capitation_line")
    bench.take("line", "select * exclude (left_out) from settle.priced where left_out = ''")
    _refuse_lost_days(bench)
    bench.add("line", "breakpoint_line")
    bench.add("line", "act_line")
    bench.make("adjustment", "capitation_adjustment")
    bench.add("adjustment", "breakpoint_adjustment")
    bench.add("adjustment", "act_adjustment")
    bench.add("adjustment", "incentive_adjustment")
    bench.add("adjustment", "score_adjustment")
    _refuse_lost_acts(bench)
    bench.make("payment", "capitation_payment")
    _refuse_lost_cents(bench)
    _explain(bench)
    return _summed(bench)


def _refuse_lost_days(bench: Bench) -> None:
    """No one drops out through a join.

    Raises:
        TietoallasError: paid days of the list and days of the lines differ.
    """
    listed, lined = bench.rows(
        f"select (select {_DAYS} from settle.listed where status_code = 'paid'"
        f" and list_month = $list_month), (select {_DAYS} from settle.line)"
    )[0]
    if listed != lined:
        raise TietoallasError(
            f"{listed} person-days are on lists and {lined} have a rate; a regional factor or an"
            " amount is missing from the rulebook. Nothing was written"
        )


def _refuse_lost_acts(bench: Bench) -> None:
    """No act drops out through a join.

    Raises:
        TietoallasError: acts that were found, and those of lines and adjustments, differ.
    """
    counted, paid = bench.rows(
        "select (select coalesce(sum(act_count), 0) from settle.act)"
        " + (select coalesce(sum(act_count), 0) from settle.act_change),"
        " (select coalesce(sum(act_count), 0) from settle.line)"
        " + (select coalesce(sum(act_count), 0) from settle.adjustment)"
    )[0]
    if counted != paid:
        raise TietoallasError(
            f"{counted} acts are paid or corrected and {paid} have a fee; this is a defect: report"
            " it. Nothing was written"
        )


def _refuse_lost_cents(bench: Bench) -> None:
    """Lines and adjustments are the payments, to the cent.

    Raises:
        TietoallasError: they are not, or an adjustment has no rate.
    """
    parts, paid, unrated = bench.rows(
        "select (select coalesce(sum(amount_eur), 0) from settle.line)"
        " + (select coalesce(sum(amount_eur), 0) from settle.adjustment),"
        " (select coalesce(sum(amount_eur), 0) from settle.payment),"
        " (select count(*) from settle.adjustment where amount_eur is null)"
    )[0]
    if unrated:
        raise TietoallasError(
            f"{unrated} corrections of closed months have no rate: the tariff frozen then lacks"
            " their age band, sex or municipality. Nothing was written"
        )
    if parts != paid:
        raise TietoallasError(
            f"lines and adjustments are {parts} euros and payments {paid}; this is a defect: report"
            " it. Nothing was written"
        )


def _explain(bench: Bench) -> None:
    bench.make("step", "explanation")
    steps = [
        Step(*row)
        for row in bench.rows(
            "select * from settle.step order by provider_id, is_shadow, step_number, detail_code"
        )
    ]
    rows = [
        {
            "provider_id": s.provider_id,
            "step_number": s.step_number,
            "step_code": s.step_code,
            "detail_code": s.detail_code,
            "is_shadow": s.is_shadow,
            "quantity": s.quantity,
            "factor": s.factor,
            "step_eur": s.step_eur,
            "without_eur": s.without_eur,
            **{f"text_{la}": t for la, t in zip(LANGUAGES, texts(s), strict=True)},
        }
        for s in steps
    ]
    bench.lake.connection.register("explained", pa.Table.from_pylist(rows, schema=_EXPLAINED))
    bench.take("explanation", "select * from explained")
    bench.lake.connection.unregister("explained")


_EXPLAINED = pa.schema(
    {
        "provider_id": pa.string(),
        "step_number": pa.int32(),
        "step_code": pa.string(),
        "detail_code": pa.string(),
        "is_shadow": pa.bool_(),
        "quantity": pa.int64(),
        "factor": pa.decimal128(18, 8),
        "step_eur": pa.decimal128(18, 2),
        "without_eur": pa.decimal128(18, 2),
        **{f"text_{language}": pa.string() for language in LANGUAGES},
    }
)


def _summed(bench: Bench) -> Reckoned:
    (row,) = bench.rows(
        "select (select count(*) from settle.line), (select count(*) from settle.adjustment),"
        " (select count(distinct provider_id) from settle.payment),"
        " (select coalesce(sum(amount_eur), 0) from settle.payment where not is_shadow),"
        " (select coalesce(sum(amount_eur), 0) from settle.payment where is_shadow),"
        " (select coalesce(max(neutrality_factor), 1) from settle.line"
        " where line_kind_code = 'capitation')"
    )
    lines, adjustments, providers, paid, shadow, neutrality = row
    return Reckoned(
        line_count=lines,
        adjustment_count=adjustments,
        provider_count=providers,
        paid_eur=paid,
        shadow_eur=shadow,
        neutrality_factor=neutrality,
        inputs_sha256=digest(inputs_text(bench)),
        ledger_sha256=digest(ledger_text(bench)),
    )


def digest(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def ledger_text(bench: Bench) -> str:
    """Every row of the result as text, in one order: what a recompute must give byte by byte."""
    return "".join(table_text(bench, f"settle.{name}") for name in RESULTS)


def inputs_text(bench: Bench) -> str:
    """Factors and cells as text; no person, so that it outlives any of them."""
    cells = (
        "(select status_code, provider_id, site_id, age_from, sex_code, municipality_code,"
        " is_shadow, sum(person_days) as person_days from settle.listed"
        " where list_month = $list_month group by all)"
    )
    acts = (
        "(select provider_id, procedure_code, is_shadow, sum(act_count) as act_count"
        " from settle.act where list_month = $list_month group by all)"
    )
    tables = ("tariff", "regional_factor", "group_factor", "breakpoint", "score", *FACTORS)
    own = (f"(select * from settle.{table} where list_month = $list_month)" for table in tables)
    return "".join(table_text(bench, sql) for sql in (cells, acts, *own))


def table_text(bench: Bench, table: str) -> str:
    """A table's rows as lines, columns by name, in the order of all values."""
    columns = sorted(name for name, *_ in bench.rows(f"describe select * from {table}"))
    kept = [c for c in columns if c not in ("capitation_run_id", "rulebook_id")]
    rows = bench.rows(f"select {', '.join(kept)} from {table} order by all")
    return "".join("|".join(map(str, row)) + "\n" for row in rows)
