"""A provider's statement of a month: one workbook and one Parquet file, ready to send.

Totals are read back from both and held against the ledger before either is put in place. A shadow
settlement is stated too, and says that nothing is paid.

Here: the files. Not here: what is in the ledger (`runs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from dagster_project.errors import TietoallasError
from dagster_project.lake.connection import Lake

_CELL = "provider_id, site_id, age_from, sex_code, municipality_code, is_shadow"
_ENTRIES = f"""
    select 'line' as entry_code, settlement_month, settlement_month as paid_for_month,
        line_kind_code, null as reason_code, {_CELL}, procedure_code, person_days, act_count,
        base_eur, regional_factor, need_factor, correction_factor, neutrality_factor, rate_eur,
        amount_eur
    from mart.capitation_line
    where capitation_run_id = ? and provider_id = ?
    union all
    select 'adjustment', settlement_month, corrected_month, line_kind_code, reason_code, {_CELL},
        procedure_code, person_days, act_count, null, null, null, null, null, rate_eur, amount_eur
    from mart.capitation_adjustment
    where capitation_run_id = ? and provider_id = ?
    order by all
"""
_HEADINGS = {
    "entry_code": "Laji / Art / Kind",
    "settlement_month": "Maksukuukausi / Betalningsmånad / Month of payment",
    "paid_for_month": "Kuukausi / Månad / Month",
    "line_kind_code": "Peruste / Grund / Ground",
    "reason_code": "Oikaisun syy / Orsak till rättelsen / Reason of correction",
    "provider_id": "Tuottaja / Producent / Provider",
    "site_id": "Toimipiste / Verksamhetsställe / Site",
    "age_from": "Ikä alkaen / Ålder från / Age from",
    "sex_code": "Sukupuoli / Kön / Sex",
    "municipality_code": "Kunta / Kommun / Municipality",
    "is_shadow": "Varjolaskelma / Skuggberäkning / Shadow",
    "procedure_code": "Toimenpide / Åtgärd / Act",
    "person_days": "Henkilöpäivät / Persondagar / Person-days",
    "act_count": "Toimenpiteitä / Åtgärder / Acts",
    "base_eur": "Perusmäärä €/v / Grundbelopp €/år / Base €/year",
    "regional_factor": "Aluekerroin / Regional koefficient / Regional factor",
    "need_factor": "Tarvekerroin / Behovskoefficient / Need factor",
    "correction_factor": "Korjauskerroin / Korrigeringskoefficient / Correction factor",
    "neutrality_factor": "Neutraalius / Neutralitet / Neutrality",
    "rate_eur": "Hinta €/v / Pris €/år / Rate €/year",
    "amount_eur": "Euroa / Euro / Euros",
}


@dataclass(frozen=True)
class Statement:
    """A provider's two files."""

    provider_id: str
    amount_eur: Decimal
    workbook: Path
    parquet: Path


def write_statements(
    lake: Lake, folder: Path, rulebook_id: str, month: date
) -> tuple[Statement, ...]:
    """Write the statement of every provider of a settled month.

    Args:
        lake: Where the ledger is.
        folder: Gets a folder for the scheme and month.
        rulebook_id: The scheme.
        month: Its first day.

    Raises:
        TietoallasError: the month is not settled, or a file would not hold what the ledger does.
    """
    runs = lake.rows(
        "select capitation_run_id from mart.capitation_run"
        " where rulebook_id = ? and settlement_month = ?",
        [rulebook_id, month],
    )
    if not runs:
        raise TietoallasError(
            f"{month:%Y-%m} of {rulebook_id} is not settled; run `tietoallas settle run` first"
        )
    target = folder / rulebook_id / f"{month:%Y-%m}"
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    payments = lake.rows(
        "select provider_id, sum(amount_eur) from mart.capitation_payment"
        " where capitation_run_id = ? group by provider_id order by provider_id",
        [runs[0][0]],
    )
    return tuple(
        _write(lake, target, run_id=runs[0][0], provider_id=provider, amount=amount)
        for provider, amount in payments
    )


def _write(
    lake: Lake, target: Path, *, run_id: int, provider_id: str, amount: Decimal
) -> Statement:
    entries = lake.execute(_ENTRIES, [run_id, provider_id] * 2).to_arrow_table()
    staged = [target / f".{provider_id}.xlsx", target / f".{provider_id}.parquet"]
    _write_workbook(lake, entries, staged[0], run_id=run_id, provider_id=provider_id)
    pq.write_table(entries, staged[1], compression="zstd")
    for path in staged:
        found = _total_of(path)
        if found != amount:
            raise TietoallasError(
                f"{path.name[1:]} sums to {found} euros and the ledger to {amount}; not written."
                " This is a defect: report it"
            )
        path.chmod(0o600)
    final = [path.replace(path.with_name(path.name[1:])) for path in staged]
    return Statement(provider_id, amount, *final)


def _write_workbook(
    lake: Lake, entries: pa.Table, path: Path, *, run_id: int, provider_id: str
) -> None:
    book = Workbook()
    summary = book.active
    assert isinstance(summary, Worksheet)  # noqa: S101 - a new workbook has one sheet
    summary.title = "Yhteenveto"
    steps = lake.rows(
        "select text_fi, text_sv, text_en, step_eur from mart.capitation_explanation"
        " where capitation_run_id = ? and provider_id = ? order by is_shadow, step_number,"
        " detail_code",
        [run_id, provider_id],
    )
    _fill(summary, ["Suomeksi", "På svenska", "In English", "€"], steps, widths=(60, 60, 60, 14))
    detail = book.create_sheet("Erittely")
    names = entries.column_names
    rows = list(zip(*(entries.column(name).to_pylist() for name in names), strict=True))
    _fill(detail, [_HEADINGS[name] for name in names], rows, widths=(16,) * len(names))
    book.save(path)


def _fill(
    sheet: Worksheet, headings: list[str], rows: list[tuple[Any, ...]], *, widths: tuple[int, ...]
) -> None:
    sheet.append(headings)
    for row in rows:
        sheet.append(list(row))
    sheet.freeze_panes = "A2"
    for index, width in enumerate(widths):
        sheet.column_dimensions[chr(ord("A") + index)].width = width


def _total_of(path: Path) -> Decimal:
    """The sum of a file's entries, as a reader finds it."""
    if path.suffix == ".parquet":
        total = pc.sum(pq.read_table(path).column("amount_eur")).as_py()
        return Decimal(0) if total is None else Decimal(total)
    book = load_workbook(path, read_only=True)
    values = [row[-1] for row in book["Erittely"].iter_rows(min_row=2, values_only=True)]
    book.close()
    return sum((Decimal(str(value)).quantize(Decimal("0.01")) for value in values), Decimal(0))
