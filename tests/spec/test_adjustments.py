"""Closed months are corrected in the next run, with the reason, and to the cent.

Here: what comes late, is taken back or put right, by hand. Not here: months as they are first
settled (`test_settlement`).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from dagster_project.errors import TietoallasError
from dagster_project.settlement import runs
from tests.support.settling import MAY, Desk, Tariff, desk

JUNE, JULY = date(2017, 6, 1), date(2017, 7, 1)
Adjustment = tuple[date, str, str, int, Decimal]


@pytest.fixture
def on() -> Desk:
    """A euro a day; May, June and July delivered; person 1 on the list of P1."""
    made = desk()
    made.delivered(JUNE, JULY)
    made.choice(made.person(1))
    return made


def adjustments(on: Desk) -> list[Adjustment]:
    columns = "corrected_month, provider_id, reason_code, person_days, amount_eur"
    return on.rows("mart.capitation_adjustment", columns)


def test_a_choice_known_late_is_paid_in_the_next_month(on: Desk) -> None:
    on.settle(MAY)
    on.choice(on.person(2), date(2017, 5, 22), known_from_seq=201706)
    on.settle(JUNE)
    assert adjustments(on) == [(MAY, "P1", "late_enrolment", 10, Decimal("10.00"))]
    assert on.paid(JUNE) == {"P1": Decimal("70.00")}
    assert on.paid(MAY) == {"P1": Decimal("31.00")}


def test_what_is_corrected_once_is_not_corrected_again(on: Desk) -> None:
    on.settle(MAY)
    on.choice(on.person(2), date(2017, 5, 22), known_from_seq=201706)
    on.settle(JUNE)
    on.settle(JULY)
    assert len(adjustments(on)) == 1
    assert on.paid(JULY) == {"P1": Decimal("62.00")}


def test_deliveries_of_later_months_wait_for_theirs(on: Desk) -> None:
    on.choice(on.person(2), date(2017, 5, 22), known_from_seq=201706)
    on.settle(MAY)
    assert on.paid(MAY) == {"P1": Decimal("31.00")}


def test_a_run_may_take_note_of_later_deliveries(on: Desk) -> None:
    on.choice(on.person(2), date(2017, 5, 22), known_from_seq=201706)
    on.settle(MAY, known_through=JUNE)
    assert on.paid(MAY) == {"P1": Decimal("41.00")}


def test_an_end_known_late_takes_days_back(on: Desk) -> None:
    on.settle(MAY)
    on.lake.execute("update lake.core.enrolment set known_to_seq = 201706")
    on.choice(1, end=date(2017, 5, 11), known_from_seq=201706)
    on.settle(JUNE)
    assert adjustments(on) == [(MAY, "P1", "late_end", -21, Decimal("-21.00"))]
    assert on.paid(JUNE) == {"P1": Decimal("-21.00")}


def test_a_wrong_provider_is_taken_from_one_and_given_to_the_other(on: Desk) -> None:
    on.settle(MAY)
    on.lake.execute("update lake.core.enrolment set known_to_seq = 201706")
    on.choice(1, provider_id="P2", site_id="S2", known_from_seq=201706)
    on.settle(JUNE)
    assert adjustments(on) == [
        (MAY, "P1", "corrected_choice", -31, Decimal("-31.00")),
        (MAY, "P2", "corrected_choice", 31, Decimal("31.00")),
    ]


def restate_stay(on: Desk, *stays: tuple[str, date, date | None]) -> None:
    on.lake.execute("update lake.core.residence set known_to_seq = 201706")
    on.put("core.residence", *((1, m, start, end, 201706, None) for m, start, end in stays))


def test_a_death_takes_back_the_days_after_it(on: Desk) -> None:
    on.settle(MAY)
    on.lake.execute("update lake.core.person set death_date = date '2017-05-20'")
    restate_stay(on, ("106", date(2000, 1, 1), date(2017, 5, 21)))
    on.settle(JUNE)
    assert adjustments(on) == [(MAY, "P1", "death", -11, Decimal("-11.00"))]


def test_a_move_changes_the_regional_factor(on: Desk) -> None:
    dear = on.tariff(Tariff(regional={"106": "1", "186": "2"}))
    dear.settle(MAY)
    restate_stay(
        dear, ("106", date(2000, 1, 1), date(2017, 5, 22)), ("186", date(2017, 5, 22), None)
    )
    dear.settle(JUNE)
    assert adjustments(dear) == [
        (MAY, "P1", "move", -10, Decimal("-10.00")),
        (MAY, "P1", "move", 10, Decimal("20.00")),
    ]


def test_a_withdrawn_delivery_takes_back_what_it_brought(on: Desk) -> None:
    on.choice(on.person(2), known_from_seq=201705)
    on.settle(MAY)
    on.lake.execute("delete from lake.core.enrolment where person_id = 2")
    on.put("staging.enrolments", (2, 201705, "L1", None, 1, "S1", "P1"))
    on.put(
        "ops.delivery_event",
        (7, "enrolment_portal", "enrolments", 201705, "withdrawn", "", MAY, "run"),
    )
    on.lake.execute("update lake.ops.build set last_event_id = 7")
    on.settle(JUNE)
    assert adjustments(on) == [(MAY, "P1", "withdrawn_delivery", -31, Decimal("-31.00"))]


def test_a_tariff_put_right_pays_the_difference_for_every_closed_month(on: Desk) -> None:
    on.settle(MAY)
    on.settle(JUNE)
    dearer = on.tariff(
        Tariff(),
        Tariff(starts=MAY, bands=((0, 200, "any", "730.00"),), regional={"106": "1.5", "186": "1"}),
    )
    dearer.settle(JULY)
    assert adjustments(dearer) == [
        (MAY, "P1", "tariff_correction", 0, Decimal("62.00")),
        (JUNE, "P1", "tariff_correction", 0, Decimal("60.00")),
    ]
    assert dearer.paid(JULY) == {"P1": Decimal("215.00")}


def test_after_a_tariff_correction_later_changes_take_the_new_rate(on: Desk) -> None:
    on.settle(MAY)
    dearer = on.tariff(Tariff(bands=((0, 200, "any", "730.00"),)))
    dearer.settle(JUNE)
    dearer.choice(dearer.person(2), date(2017, 5, 31), date(2017, 6, 1), known_from_seq=201707)
    dearer.settle(JULY)
    assert adjustments(dearer) == [
        (MAY, "P1", "late_enrolment", 1, Decimal("2.00")),
        (MAY, "P1", "tariff_correction", 0, Decimal("31.00")),
    ]


HALF = "-182.50"  # euros a year less for each person beyond: half a euro a day


def of_list_size(on: Desk) -> list[Adjustment]:
    columns = "corrected_month, provider_id, reason_code, person_days, amount_eur"
    return on.rows("mart.capitation_adjustment", columns, "line_kind_code = 'breakpoint'")


def test_who_comes_late_is_paid_less_where_the_list_is_beyond_a_step(on: Desk) -> None:
    """The step is beyond one person: every day of a second is paid half."""
    stepped = on.tariff(Tariff(breakpoints={1: HALF}))
    stepped.settle(MAY)
    stepped.choice(stepped.person(2), date(2017, 5, 22), date(2017, 6, 1), known_from_seq=201706)
    stepped.settle(JUNE)
    assert of_list_size(stepped) == [(MAY, "P1", "late_enrolment", 10, Decimal("-5.00"))]
    assert stepped.paid(JUNE) == {"P1": Decimal("35.00")}
    stepped.settle(JULY)
    assert len(of_list_size(stepped)) == 1


def test_a_step_put_right_corrects_every_closed_month(on: Desk) -> None:
    """From half a euro beyond the first person to a whole one, then to none at all."""
    on.choice(on.person(2))
    stepped = on.tariff(Tariff(breakpoints={1: HALF}))
    stepped.settle(MAY)
    assert stepped.paid(MAY) == {"P1": Decimal("46.50")}  # 62 - 31 × 0.5
    whole = Tariff(breakpoints={1: "-365.00"}, others={"factor_lower": "1"})
    steeper = on.tariff(whole)
    steeper.settle(JUNE)
    assert of_list_size(steeper) == [(MAY, "P1", "tariff_correction", 0, Decimal("-15.50"))]
    flat = on.tariff(Tariff())
    flat.settle(JULY)
    assert of_list_size(flat) == [
        (MAY, "P1", "tariff_correction", 0, Decimal("-15.50")),
        (MAY, "P1", "tariff_correction", 0, Decimal("31.00")),
        (JUNE, "P1", "tariff_correction", 0, Decimal("30.00")),
    ]
    numbers = [number for (number,) in flat.rows("mart.capitation_run", "capitation_run_id")]
    assert all(runs.recompute(flat.lake, number).is_equal for number in numbers)


def test_other_age_bands_for_a_closed_month_are_refused(on: Desk) -> None:
    """Its days are kept by band: they would get no correction, and nobody would know."""
    on.settle(MAY)
    bands = ((0, 29, "any", "365.00"), (30, 200, "any", "730.00"))
    with pytest.raises(TietoallasError, match=r"age bands of R for the closed month 2017-05"):
        on.tariff(Tariff(bands=bands)).settle(JUNE)
    assert [month for (month,) in on.rows("mart.capitation_run", "settlement_month")] == [MAY]
    on.tariff(Tariff(), Tariff(starts=JUNE, bands=bands)).settle(JUNE)


def test_line_and_corrections_are_what_one_line_would_have_been(on: Desk) -> None:
    """3.65 a year is a cent a day: halves of a cent come and go, and nothing is lost."""
    odd = on.tariff(Tariff(bands=((0, 200, "any", "5.475"),)))
    odd.lake.execute("update lake.mart.capitation_tariff set base_eur = 5.475")
    odd.settle(MAY)  # 31 × 0.015 = 0.465
    odd.choice(odd.person(2), date(2017, 5, 31), known_from_seq=201706)
    odd.settle(JUNE)
    odd.choice(odd.person(3), date(2017, 5, 31), date(2017, 6, 1), known_from_seq=201707)
    odd.settle(JULY)
    assert [row[-1] for row in adjustments(odd)] == [Decimal("0.01"), Decimal("0.02")]
    whole = odd.lake.value(
        "select (select sum(amount_eur) from mart.capitation_line where settlement_month = ?)"
        " + (select sum(amount_eur) from mart.capitation_adjustment)",
        [MAY],
    )
    assert whole == Decimal("0.50")  # 33 × 0.015 = 0.495


def test_a_month_is_settled_once_and_in_its_order(on: Desk) -> None:
    on.settle(JUNE)
    with pytest.raises(TietoallasError, match="is closed"):
        on.settle(JUNE)
    with pytest.raises(TietoallasError, match="in their order"):
        on.settle(MAY)
