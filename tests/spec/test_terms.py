"""Who is on a list by the terms of each month, whichever version or scheme it was settled by.

Here: terms that change, another scheme that pays, ends of choices that wait or do not. Not here:
amounts that are put right (`test_adjustments`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from dagster_project.errors import TietoallasError
from dagster_project.settlement import due, runs
from tests.support.settling import MAY, Desk, Tariff, desk

JUNE, JULY = date(2017, 6, 1), date(2017, 7, 1)
CHILD = date(2005, 1, 1)
ADULTS = ((18, 200, "any", "365.00"),)


def corrections(on: Desk) -> list[tuple[Any, ...]]:
    columns = "corrected_month, provider_id, is_shadow, reason_code, person_days, amount_eur"
    return on.rows("mart.capitation_adjustment", columns)


def settled_then_ended(
    others: Mapping[str, str], then: Tariff, born: date = date(1980, 1, 1), provider: str = "P1"
) -> Desk:
    """A choice of 1 May, of which June's delivery tells that it ended on the 25th."""
    bands = ADULTS if others.get("adults_from_age") == "18" else Tariff().bands
    on = desk(Tariff(bands=bands, others=others), then)
    on.delivered(JUNE)
    on.choice(on.person(1, born), MAY, provider_id=provider)
    on.settle(MAY)
    on.lake.execute("update lake.core.enrolment set known_to_seq = 201706")
    on.choice(1, MAY, date(2017, 5, 25), provider_id=provider, known_from_seq=201706)
    on.settle(JUNE)
    return on


def test_a_closed_month_keeps_the_delay_it_was_settled_by() -> None:
    """From the 22nd: ten days were paid, of which the last seven are taken back."""
    on = settled_then_ended({"choice_delay_days": "21"}, Tariff(starts=JUNE))
    assert on.paid(MAY) == {"P1": Decimal(10)}
    assert corrections(on) == [(MAY, "P1", False, "late_end", -7, Decimal(-7))]


@pytest.mark.parametrize(
    ("first", "then", "taken_back"),
    [
        ({}, Tariff(starts=JUNE, bands=ADULTS, others={"adults_from_age": "18"}), -7),
        ({"adults_from_age": "18"}, Tariff(starts=JUNE), None),
    ],
    ids=["paid for until June", "paid for from June"],
)
def test_a_closed_month_keeps_the_age_it_was_settled_by(
    first: Mapping[str, str], then: Tariff, taken_back: int | None
) -> None:
    on = settled_then_ended(first, then, CHILD)
    due = [] if taken_back is None else [(MAY, "P1", False, "late_end", taken_back, taken_back)]
    assert corrections(on) == due


def test_a_closed_month_in_shadow_stays_in_shadow() -> None:
    on = settled_then_ended({"is_shadow_for_public": "true"}, Tariff(starts=JUNE), provider="M1")
    # On the same list for having chosen nobody, which is of no one site.
    assert corrections(on) == [
        (MAY, "M1", True, "corrected_choice", -7, Decimal(-7)),
        (MAY, "M1", True, "corrected_choice", 7, Decimal(7)),
    ]
    assert on.paid(JUNE) == {}


@pytest.mark.parametrize(
    "term",
    [{"choice_delay_days": "21"}, {"is_shadow_for_public": "true"}],
    ids=["delay", "shadow"],
)
def test_other_terms_for_a_closed_month_are_refused(term: Mapping[str, str]) -> None:
    """Its lists were made on those of then: what they would be now nobody has settled."""
    on = desk()
    on.delivered(JUNE)
    on.choice(on.person(1))
    on.settle(MAY)
    with pytest.raises(TietoallasError, match=r"of R for the closed month 2017-05 is no longer"):
        on.tariff(Tariff(others=term)).settle(JUNE)
    assert [month for (month,) in on.rows("mart.capitation_run", "settlement_month")] == [MAY]


@pytest.fixture
def handed_over() -> Desk:
    """R pays for May, at a euro a day; R2 from June on, at two."""
    second = Tariff(starts=JUNE, rulebook_id="R2", bands=((0, 200, "any", "730.00"),))
    on = desk(Tariff(), second)
    on.delivered(JUNE, JULY)
    on.choice(on.person(1))
    on.settle(MAY, "R")
    return on


def test_the_scheme_that_pays_now_corrects_months_of_the_one_before(handed_over: Desk) -> None:
    on = handed_over
    on.choice(on.person(2), date(2017, 5, 22), JUNE, known_from_seq=201706)
    on.settle(JUNE, "R2")
    assert corrections(on) == [(MAY, "P1", False, "late_enrolment", 10, Decimal(10))]
    assert on.paid(JUNE) == {"P1": Decimal(70)}
    on.settle(JULY, "R2")
    assert len(corrections(on)) == 1
    assert all(runs.recompute(on.lake, run_id).is_equal for run_id in (1, 2, 3))


def test_a_tariff_of_the_scheme_before_is_put_right_too(handed_over: Desk) -> None:
    second = Tariff(starts=JUNE, rulebook_id="R2", bands=((0, 200, "any", "730.00"),))
    on = handed_over.tariff(Tariff(bands=((0, 200, "any", "1095.00"),)), second)
    on.settle(JUNE, "R2")
    assert corrections(on) == [(MAY, "P1", False, "tariff_correction", 0, Decimal(62))]


def test_each_month_is_due_by_the_scheme_that_pays_for_it(handed_over: Desk) -> None:
    """The one before has nothing due any more; a closed month is closed for both."""
    found = due.due_months(handed_over.lake)
    assert found == [[(JUNE, "R2"), (JULY, "R2")]]
    with pytest.raises(TietoallasError, match="2017-05 is closed: R was settled by run 1"):
        handed_over.settle(MAY, "R")


def test_an_end_that_the_client_states_does_not_wait_and_one_by_the_next_choice_does() -> None:
    """Three weeks: the first leaves on the 11th, the second stays until the new choice holds."""
    on = desk(Tariff(others={"choice_delay_days": "21"}))
    eleventh = date(2017, 5, 11)
    on.choice(on.person(1), end=eleventh)
    on.choice(on.person(2), end=eleventh, is_ended_by_next=True)
    on.choice(2, eleventh, provider_id="P2", site_id="S2")
    on.settle(MAY)
    # P1: ten days of the first, and all of May of the second, whose new choice holds from 1 June.
    assert on.paid() == {"P1": Decimal(41)}


def test_a_choice_that_ends_before_it_takes_effect_is_paid_to_no_one() -> None:
    on = desk(Tariff(others={"choice_delay_days": "21"}))
    on.choice(on.person(1), date(2017, 5, 2), date(2017, 5, 12))
    on.settle(MAY)
    assert on.paid() == {}
