"""Acts and incentives of closed months are corrected in the next run, with the reason.

Here: acts that come late, are withdrawn or follow the list; the incentive on every corrected euro;
fees and shares put right; by hand. Not here: days of closed months (`test_adjustments`).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from dagster_project.lake.ledger import take_out_persons
from dagster_project.settlement import runs, statements
from dagster_project.settlement.what_if import what_if
from tests.support.settling import MAY, Desk, Tariff, desk

JUNE, JULY = date(2017, 6, 1), date(2017, 7, 1)
FEES = {"SFA10": "30.00", "SFA20": "42.00"}
DAY = date(2017, 5, 10)
Adjustment = tuple[date, str, str, str, str | None, int, int, Decimal]


@pytest.fixture
def on() -> Desk:
    """A euro a day, fees, a tenth beside; person 1 with P1 has had an act in May; May is closed."""
    made = desk(Tariff(acts=FEES, incentive="0.1"))
    made.delivered(JUNE, JULY)
    made.choice(made.person(1))
    made.act(1, DAY)
    made.settle(MAY)
    return made


def adjustments(on: Desk) -> list[Adjustment]:
    return on.rows(
        "mart.capitation_adjustment",
        "corrected_month, provider_id, line_kind_code, reason_code, procedure_code, person_days,"
        " act_count, amount_eur",
    )


def settled_twice(on: Desk) -> list[Adjustment]:
    """Adjustments of June, for which July has none to add; all runs recompute."""
    on.settle(JUNE)
    found = adjustments(on)
    on.news()
    on.settle(JULY)
    assert adjustments(on) == found
    assert all(runs.recompute(on.lake, run_id).is_equal for run_id in (1, 2, 3))
    return found


def test_an_act_known_late_is_paid_in_the_next_month_with_its_incentive(on: Desk) -> None:
    on.act(1, date(2017, 5, 20), code="SFA20")
    assert settled_twice(on) == [
        (MAY, "P1", "act", "late_act", "SFA20", 0, 1, Decimal("42.00")),
        (MAY, "P1", "incentive", "late_act", None, 0, 0, Decimal("4.20")),
    ]
    assert on.paid(MAY) == {"P1": Decimal("67.10")}  # (31 + 30) × 1.1
    assert on.paid(JUNE) == {"P1": Decimal("79.20")}  # 30 × 1.1 + 46.20
    assert on.paid(JULY) == {"P1": Decimal("34.10")}


def test_a_second_act_of_the_same_day_is_found(on: Desk) -> None:
    on.act(1, DAY)
    assert settled_twice(on)[0] == (MAY, "P1", "act", "late_act", "SFA10", 0, 1, Decimal("30.00"))


def test_an_act_that_is_withdrawn_is_taken_back(on: Desk) -> None:
    on.lake.execute("delete from lake.core.procedure")
    on.news()
    assert settled_twice(on) == [
        (MAY, "P1", "act", "withdrawn_act", "SFA10", 0, -1, Decimal("-30.00")),
        (MAY, "P1", "incentive", "withdrawn_act", None, 0, 0, Decimal("-3.00")),
    ]


def test_an_act_that_was_another_is_taken_back_and_paid_anew(on: Desk) -> None:
    on.lake.execute("update lake.core.procedure set procedure_code = 'SFA20'")
    on.news()
    assert settled_twice(on) == [
        (MAY, "P1", "act", "late_act", "SFA20", 0, 1, Decimal("42.00")),
        (MAY, "P1", "act", "withdrawn_act", "SFA10", 0, -1, Decimal("-30.00")),
        (MAY, "P1", "incentive", "late_act", None, 0, 0, Decimal("4.20")),
        (MAY, "P1", "incentive", "withdrawn_act", None, 0, 0, Decimal("-3.00")),
    ]


def test_a_late_enrolment_moves_days_and_acts_to_another_list(on: Desk) -> None:
    """The act at P2 was nobody's to pay; that at P1 is no more, for the day is on P2's list."""
    on.act(1, date(2017, 5, 25), "S2")
    on.lake.execute("update lake.core.enrolment set known_to_seq = 201706")
    on.choice(1, end=date(2017, 5, 5), known_from_seq=201706)
    on.choice(1, date(2017, 5, 5), provider_id="P2", site_id="S2", known_from_seq=201706)
    assert settled_twice(on) == [
        (MAY, "P1", "act", "corrected_choice", "SFA10", 0, -1, Decimal("-30.00")),
        (MAY, "P1", "capitation", "corrected_choice", None, -27, 0, Decimal("-27.00")),
        (MAY, "P1", "incentive", "corrected_choice", None, 0, 0, Decimal("-5.70")),
        (MAY, "P2", "act", "corrected_choice", "SFA10", 0, 1, Decimal("30.00")),
        (MAY, "P2", "capitation", "corrected_choice", None, 27, 0, Decimal("27.00")),
        (MAY, "P2", "incentive", "corrected_choice", None, 0, 0, Decimal("5.70")),
    ]


def test_acts_of_who_is_enrolled_late_are_paid_for_that_reason(on: Desk) -> None:
    on.act(on.person(2), date(2017, 5, 25))
    on.choice(2, date(2017, 5, 22), known_from_seq=201706)
    assert settled_twice(on) == [
        (MAY, "P1", "act", "late_enrolment", "SFA10", 0, 1, Decimal("30.00")),
        (MAY, "P1", "capitation", "late_enrolment", None, 10, 0, Decimal("10.00")),
        (MAY, "P1", "incentive", "late_enrolment", None, 0, 0, Decimal("4.00")),
    ]


def test_an_act_after_a_late_end_is_taken_back_for_that_reason(on: Desk) -> None:
    on.lake.execute("update lake.core.enrolment set known_to_seq = 201706")
    on.choice(1, end=DAY, known_from_seq=201706)
    assert settled_twice(on) == [
        (MAY, "P1", "act", "late_end", "SFA10", 0, -1, Decimal("-30.00")),
        (MAY, "P1", "capitation", "late_end", None, -22, 0, Decimal("-22.00")),
        (MAY, "P1", "incentive", "late_end", None, 0, 0, Decimal("-5.20")),
    ]


def test_acts_that_nobody_is_to_pay_are_not_paid_late_either(on: Desk) -> None:
    on.act(1, date(2017, 5, 20), "S2")
    on.act(1, date(2017, 5, 20), code="SCA01")
    on.act(on.person(2), date(2017, 5, 20))
    assert settled_twice(on) == []


def test_the_incentive_follows_capitation_without_any_act() -> None:
    """A tenth of 0.47 (31 × 0.015) is 0.05, and of 0.51 too; of 0.59 it is 0.06."""
    on = desk(Tariff(bands=((0, 200, "any", "5.475"),), incentive="0.1"))
    on.lake.execute("update lake.mart.capitation_tariff set base_eur = 5.475")
    on.delivered(JUNE, JULY)
    on.choice(on.person(1))
    on.settle(MAY)
    on.choice(on.person(2), date(2017, 5, 29), date(2017, 6, 1), known_from_seq=201706)
    on.settle(JUNE)
    assert adjustments(on) == [
        (MAY, "P1", "capitation", "late_enrolment", None, 3, 0, Decimal("0.04"))
    ]
    on.choice(on.person(3), date(2017, 5, 27), date(2017, 6, 1), known_from_seq=201707)
    on.settle(JULY)
    assert adjustments(on)[1:] == [
        (MAY, "P1", "capitation", "late_enrolment", None, 5, 0, Decimal("0.08")),
        (MAY, "P1", "incentive", "late_enrolment", None, 0, 0, Decimal("0.01")),
    ]


def test_fees_and_share_put_right_are_paid_for_closed_months(on: Desk) -> None:
    on.act(1, date(2017, 5, 20))
    dearer = on.tariff(Tariff(acts={"SFA10": "35.00", "SCA01": "10.00"}, incentive="0.2"))
    assert settled_twice(dearer) == [
        (MAY, "P1", "act", "late_act", "SFA10", 0, 1, Decimal("30.00")),
        (MAY, "P1", "act", "tariff_correction", "SFA10", 0, 0, Decimal("10.00")),
        (MAY, "P1", "incentive", "late_act", None, 0, 0, Decimal("3.00")),
        (MAY, "P1", "incentive", "tariff_correction", None, 0, 0, Decimal("1.00")),
        (MAY, "P1", "incentive", "tariff_correction", None, 0, 0, Decimal("10.10")),
    ]
    # All of May: (31 + 2 × 35) × 1.2.
    assert may_in_all(dearer) == Decimal("121.20")


def may_in_all(on: Desk) -> Decimal:
    value: Decimal = on.lake.value(
        "select (select sum(amount_eur) from mart.capitation_line where settlement_month = ?)"
        " + (select coalesce(sum(amount_eur), 0) from mart.capitation_adjustment"
        " where corrected_month = ?)",
        [MAY, MAY],
    )
    return value


def test_an_act_that_gets_a_fee_later_is_paid_for_closed_months(on: Desk) -> None:
    on.act(1, date(2017, 5, 20), code="SCA01")
    on.settle(JUNE)
    assert adjustments(on) == []
    on.tariff(Tariff(acts=FEES | {"SCA01": "10.00"}, incentive="0.1")).settle(JULY)
    assert may_in_all(on) == Decimal("78.10")  # (31 + 30 + 10) × 1.1


def test_a_provider_that_has_left_is_paid_what_its_tariff_was_put_right_by(on: Desk) -> None:
    on.lake.execute("update lake.core.enrolment set valid_to_date = date '2017-06-01'")
    dearer = on.tariff(
        Tariff(bands=((0, 200, "any", "730.00"),), acts=FEES | {"SFA10": "31.00"}, incentive="0.1")
    )
    dearer.settle(JUNE)
    assert dearer.paid(JUNE) == {"P1": Decimal("35.20")}  # (31 + 1) × 1.1


def test_who_is_erased_leaves_no_false_correction(on: Desk) -> None:
    on.choice(on.person(2), known_from_seq=201706)
    on.act(1, date(2017, 5, 20))
    on.act(2, date(2017, 5, 21))
    on.settle(JUNE)
    take_out_persons(on.lake, "select 1")
    for table in ("procedure", "enrolment", "residence", "person"):
        on.lake.execute(f"delete from lake.core.{table} where person_id = 1")
    on.act(2, date(2017, 5, 22))
    on.settle(JULY)
    assert on.lake.rows(
        "select reason_code, amount_eur from mart.capitation_adjustment"
        " where settlement_month = ? order by all",
        [JULY],
    ) == [("late_act", Decimal("3.00")), ("late_act", Decimal("30.00"))]
    assert not on.lake.count(
        "select (select count(*) from ledger.frozen_act where person_id = 1)"
        " + (select count(*) from ledger.frozen_act_change where person_id = 1)"
    )
    assert all(runs.recompute(on.lake, run_id).is_equal for run_id in (1, 2, 3))


def test_who_has_another_id_since_keeps_what_was_paid(on: Desk) -> None:
    for table in ("procedure", "enrolment", "residence", "person"):
        on.lake.execute(f"update lake.core.{table} set person_id = 9")
    on.put("core.person_alias", (1, 9))
    on.act(9, date(2017, 5, 20))
    assert [row[2:] for row in settled_twice(on)] == [
        ("act", "late_act", "SFA10", 0, 1, Decimal("30.00")),
        ("incentive", "late_act", None, 0, 0, Decimal("3.00")),
    ]


def test_corrections_of_acts_are_explained_and_stated(on: Desk, tmp_path: Path) -> None:
    on.act(1, date(2017, 5, 20))
    on.settle(JUNE)
    steps = on.rows(
        "mart.capitation_explanation",
        "step_number, text_fi, text_sv, text_en",
        "step_code like 'adjustment%'",
    )
    assert [tuple(str(t).replace("\N{NO-BREAK SPACE}", " ") for t in row[1:]) for row in steps] == [
        (
            "Oikaisu kuukauteen 2017-05, toimenpide tiedossa myöhässä, 1 toimenpidettä: 30,00 €.",
            "Rättelse av 2017-05, åtgärd känd sent, 1 åtgärder: 30,00 €.",
            "Correction of 2017-05, late act, 1 acts: €30.00.",
        ),
        (
            "Kannustinosuuden oikaisu kuukauteen 2017-05, toimenpide tiedossa myöhässä: 3,00 €.",
            "Rättelse av incitamentsandelen för 2017-05, åtgärd känd sent: 3,00 €.",
            "Correction of the incentive share of 2017-05, late act: €3.00.",
        ),
    ]
    (made,) = statements.write_statements(on.lake, tmp_path, "R", JUNE)
    entries = pq.read_table(made.parquet).to_pylist()
    assert made.amount_eur == Decimal("66.00")
    assert [
        (e["line_kind_code"], e["reason_code"], e["procedure_code"], e["act_count"])
        for e in entries
        if e["paid_for_month"] == MAY
    ] == [("act", "late_act", "SFA10", 1), ("incentive", "late_act", None, 0)]


def test_a_draft_is_compared_on_the_acts_that_are_known_now(on: Desk) -> None:
    """Under the same rules nobody wins or loses, however late an act came."""
    on.act(1, date(2017, 5, 20))
    on.settle(JUNE)
    (outcome,) = what_if(on.session, "R", months=[MAY])
    assert (outcome.settled_eur, outcome.draft_eur) == (Decimal("100.10"), Decimal("100.10"))
