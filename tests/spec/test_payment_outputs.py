"""A payment explained, tried under another rulebook, and sent to the provider.

Here: words, drafts, statements. Not here: what is paid (`test_settlement`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from openpyxl import load_workbook

from dagster_project.errors import TietoallasError
from dagster_project.lake.ledger import FROZEN_TABLES, PAYMENT_TABLES
from dagster_project.settlement import runs, statements
from dagster_project.settlement.what_if import what_if
from tests.support.settling import MAY, Desk, Tariff, desk, rulebooks

VERSION = date(2010, 1, 1)
JUNE = date(2017, 6, 1)


@pytest.fixture
def on() -> Desk:
    """Two people with P1, one with P2; every factor but one."""
    made = desk(Tariff(regional={"106": "1.1", "186": "1"}))
    made.delivered(JUNE)
    for number, provider in enumerate(("P1", "P1", "P2")):
        made.choice(made.person(number), provider_id=provider, site_id=None)
    made.put("mart.capitation_need_factor", ("R", VERSION, MAY, "P1", "1.2"))
    made.put(
        "mart.capitation_correction_factor",
        ("R", VERSION, "P1", "0.9", 90, 100, 1, "0.9", 0, None, None),
    )
    made.settle(MAY)
    return made


def test_every_step_tells_what_it_adds_and_what_would_be_paid_without_it(on: Desk) -> None:
    rows = on.rows(
        "mart.capitation_explanation",
        "step_number, step_code, factor, step_eur, without_eur",
        "provider_id = 'P1'",
    )
    # 62 days: 62.00 × 1.1 = 68.20, × 1.2 = 81.84, × 0.9 = 73.656.
    assert rows == [
        (10, "list", None, None, Decimal("73.66")),
        (20, "base", None, Decimal("62.00"), Decimal("0.00")),
        (30, "regional_factor", Decimal("1.1"), Decimal("6.20"), Decimal("66.96")),
        (40, "need_factor", Decimal("1.2"), Decimal("13.64"), Decimal("61.38")),
        (50, "correction_factor", Decimal("0.9"), Decimal("-8.18"), Decimal("81.84")),
        (99, "payment", None, Decimal("73.66"), Decimal("73.66")),
    ]


FACTORS = ("regional_factor", "need_factor", "correction_factor")


def month_of(tariff: Tariff, *factors: str) -> Desk:
    """Five people and two acts in May, paid with these factors alone."""
    regional = {"106": "1.1", "186": "0.95"} if "regional_factor" in factors else None
    made = desk(replace(tariff, regional=regional))
    for number in range(5):
        made.choice(made.person(number), provider_id=("P1", "P2")[number % 2], site_id=None)
    made.lake.execute(
        "update lake.core.residence set municipality_code = '186' where person_id < 2"
    )
    made.act(0, date(2017, 5, 3), "S1")
    made.act(1, date(2017, 5, 4), "S2")
    for provider, need, correction in (("P1", "1.3", "0.9"), ("P2", "0.8", "1.05")):
        if "need_factor" in factors:
            made.put("mart.capitation_need_factor", ("R", VERSION, MAY, provider, need))
        if "correction_factor" in factors:
            row = ("R", VERSION, provider, correction, *[None] * 7)
            made.put("mart.capitation_correction_factor", row)
    made.settle(MAY)
    return made


@pytest.mark.parametrize(
    "tariff",
    [
        Tariff(others={"is_budget_neutral": "true"}),
        Tariff(acts={"SFA10": "30.00"}, incentive="0.05", breakpoints={1: "-20.00"}),
    ],
    ids=["neutral", "acts, steps and an incentive"],
)
def test_without_a_factor_is_what_would_be_paid_if_no_list_had_it(tariff: Tariff) -> None:
    told = month_of(tariff, *FACTORS)
    for factor in FACTORS:
        truly = month_of(tariff, *(other for other in FACTORS if other != factor))
        without = told.rows(
            "mart.capitation_explanation", "provider_id, without_eur", f"step_code = '{factor}'"
        )
        assert dict(without) == truly.paid() != told.paid()


def test_without_acts_or_steps_their_incentive_goes_too() -> None:
    tariff = Tariff(acts={"SFA10": "30.00"}, incentive="0.05", breakpoints={1: "-20.00"})
    told = dict(
        month_of(tariff).rows(
            "mart.capitation_explanation", "step_code, without_eur", "provider_id = 'P1'"
        )
    )
    # 93.00 of capitation, 62 days beyond one person at -20 / 365 are -3.40, 30.00 of acts: 119.60.
    assert told["payment"] == Decimal("125.58")
    assert told["base"] == Decimal("27.93")  # 26.60 and 1.33
    assert told["breakpoint"] == Decimal("129.15")  # 123.00 and 6.15
    assert told["act"] == Decimal("94.08")  # 89.60 and 4.48
    assert told["incentive"] == Decimal("119.60")


def test_the_neutrality_factor_told_is_that_of_the_ledger() -> None:
    on = month_of(Tariff(others={"is_budget_neutral": "true"}), "need_factor")
    (told,) = on.rows(
        "mart.capitation_explanation",
        "factor, step_eur, without_eur",
        "provider_id = 'P1' and step_code = 'neutrality'",
    )
    # 3 x 1.3 + 2 x 0.8 = 5.5 parts of 5; 93 x 1.3 = 120.90, of 155.00 by 3.9 / 5.5 109.91.
    assert told == (Decimal("0.90909091"), Decimal("-10.99"), Decimal("120.90"))


def test_steps_from_base_on_sum_to_the_payment(on: Desk) -> None:
    on.choice(on.person(7), date(2017, 5, 20), known_from_seq=201706)
    on.settle(JUNE)
    sums = on.lake.rows(
        "select settlement_month, provider_id,"
        " sum(step_eur) filter (where step_code <> 'payment'),"
        " sum(step_eur) filter (where step_code = 'payment')"
        " from mart.capitation_explanation group by all order by all"
    )
    assert len(sums) == 4
    assert all(steps == payment for *_, steps, payment in sums)


def test_a_payment_is_told_in_three_languages(on: Desk) -> None:
    (row,) = on.rows(
        "mart.capitation_explanation",
        "text_fi, text_sv, text_en",
        "provider_id = 'P1' and step_code = 'correction_factor'",
    )
    assert [text.replace("\N{NO-BREAK SPACE}", " ") for text in row] == [
        "Ryhmän korjauskerroin 0,9: -8,18 €. Ilman sitä maksu olisi 81,84 €.",
        "Gruppens korrigeringskoefficient 0,9: -8,18 €. Utan den vore betalningen 81,84 €.",
        "Correction factor of the group 0.9: -€8.18. Without it the payment would be €81.84.",
    ]


def everything(on: Desk) -> dict[str, list[tuple[object, ...]]]:
    named = [f"mart.{name}" for name in PAYMENT_TABLES]
    return {t: on.rows(t) for t in (*named, *(f"ledger.{name}" for name in FROZEN_TABLES))}


def draft(folder: Path, amount: str) -> Path:
    """Rulebook files of scheme R with another amount for everybody."""
    for book in rulebooks(Tariff(bands=((0, 200, "any", amount),))):
        whole = [name for name, kind in book.columns.items() if kind in ("integer", "bigint")]
        rows = [dict(zip(book.columns, row, strict=True)) for _, row in book.rows]
        typed = [{n: int(v) if n in whole else v for n, v in row.items()} for row in rows]
        document = {
            "description": "Draft.",
            "unit": "euros",
            "columns": book.columns,
            "values": {VERSION: {"source": "A draft.", "rows": typed}},
        }
        text = yaml.safe_dump(document, sort_keys=False)
        (folder / f"{book.name}.yaml").write_text(text, encoding="utf-8")
    return folder


def test_a_draft_shows_winners_and_losers_and_leaves_the_ledger_alone(
    on: Desk, tmp_path: Path
) -> None:
    before = everything(on)
    outcomes = what_if(on.session, "R", folder=draft(tmp_path, "730.00"))
    # Twice the amount, no regional factor: P1 62 × 2 × 1.2 × 0.9, P2 31 × 2.
    assert [(o.provider_id, o.settled_eur, o.draft_eur, o.difference_eur) for o in outcomes] == [
        ("P1", Decimal("73.66"), Decimal("133.92"), Decimal("60.26")),
        ("P2", Decimal("34.10"), Decimal("62.00"), Decimal("27.90")),
    ]
    assert everything(on) == before
    on.settle(JUNE)
    assert on.paid(JUNE)["P2"] == Decimal("33.00")


def test_what_if_needs_a_closed_month_and_a_scheme(on: Desk) -> None:
    with pytest.raises(TietoallasError, match="no payment scheme X"):
        what_if(on.session, "X")
    with pytest.raises(TietoallasError, match="no month of the service of R is closed"):
        what_if(on.session, "R", months=[JUNE])


def test_a_statement_holds_what_the_ledger_does(on: Desk, tmp_path: Path) -> None:
    on.choice(on.person(7), date(2017, 5, 22), known_from_seq=201706)
    on.settle(JUNE)
    made = statements.write_statements(on.lake, tmp_path, "R", JUNE)
    assert [(s.provider_id, s.amount_eur) for s in made] == list(on.paid(JUNE).items())
    for statement in made:
        entries = pq.read_table(statement.parquet)
        assert sum(entries.column("amount_eur").to_pylist()) == statement.amount_eur
        assert set(entries.column("provider_id").to_pylist()) == {statement.provider_id}
        book = load_workbook(statement.workbook)
        rows = list(book["Erittely"].iter_rows(min_row=2, values_only=True))
        assert round(sum(float(str(row[-1])) for row in rows), 2) == float(statement.amount_eur)
        texts = [row[0] for row in book["Yhteenveto"].iter_rows(min_row=2, values_only=True)]
        assert str(texts[-1]).startswith("Maksetaan")
        assert statement.workbook.stat().st_mode & 0o077 == 0
    late = pq.read_table(made[0].parquet).to_pylist()
    assert [
        (r["line_kind_code"], r["reason_code"], r["paid_for_month"])
        for r in late
        if r["entry_code"] != "line"
    ] == [("capitation", "late_enrolment", MAY)]
    assert sorted(p.name for p in made[0].workbook.parent.iterdir()) == [
        "P1.parquet",
        "P1.xlsx",
        "P2.parquet",
        "P2.xlsx",
    ]


def test_a_month_that_is_not_settled_has_no_statement(on: Desk, tmp_path: Path) -> None:
    with pytest.raises(TietoallasError, match="2017-06 of R is not settled"):
        statements.write_statements(on.lake, tmp_path, "R", JUNE)


def test_a_ledger_that_was_touched_does_not_recompute(on: Desk) -> None:
    assert runs.recompute(on.lake, 1).is_equal
    on.lake.execute(
        "update lake.mart.capitation_line set amount_eur = amount_eur + 0.01"
        " where provider_id = 'P2'"
    )
    again = runs.recompute(on.lake, 1)
    assert (again.is_equal, again.differing) == (False, ("line",))
    with pytest.raises(TietoallasError, match="no settlement run 9"):
        runs.recompute(on.lake, 9)
