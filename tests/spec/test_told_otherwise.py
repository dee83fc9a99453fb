"""What deliveries tell otherwise of persons, codes and places corrects closed months, by hand.

Core is built by the models from what was delivered; a day is a euro for sex 1 under 30 years, two
euros for sex 2, three from 30 on.

Here: the register, sites, municipalities; what a run notes of its sources. Not here: choices that
come late (`test_adjustments`), random histories (`tests/property/test_closed_months`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from tests.support.settling import MAY, Desk, Tariff
from tests.support.told_desk import Chosen, Listed, Month, Places, ToldDesk, month_of

JUNE = month_of(1)
TARIFF = Tariff(
    bands=((0, 29, "1", "365"), (0, 29, "2", "730"), (30, 200, "any", "1095")),
    others={"is_shadow_for_public": "true"},
)
YOUNG, OLD = date(1995, 1, 1), date(1980, 1, 1)
PLACES = Places()
NOBODY = Listed(9, municipality_code="091")
Adjustment = tuple[str, bool, str, int, Decimal]


@pytest.fixture(scope="module")
def made() -> ToldDesk:
    return ToldDesk()


@pytest.fixture
def told(made: ToldDesk) -> ToldDesk:
    made.clear()
    return made


def settle(told: ToldDesk, *months: Month, tariff: Tariff = TARIFF) -> Desk:
    """Months settled one after the other, each when its deliveries have come."""
    on = told.desk.tariff(tariff)
    for number, month in enumerate(months):
        told.land(number, month)
        on.settle(month_of(number))
    return on


def corrections(on: Desk) -> list[Adjustment]:
    """Of May: provider, shadow, reason, days, euros."""
    return on.rows(
        "mart.capitation_adjustment",
        "provider_id, is_shadow, reason_code, person_days, amount_eur",
        "corrected_month = date '2017-05-01'",
    )


@pytest.mark.parametrize(("then", "now"), [(YOUNG, OLD), (OLD, YOUNG)], ids=["older", "younger"])
def test_a_date_of_birth_put_right_moves_the_days_to_its_band(
    told: ToldDesk, then: date, now: date
) -> None:
    choices = [Chosen(1, 1)]
    on = settle(told, Month([Listed(1, then)], choices, PLACES), Month([Listed(1, now)]))
    sign = 1 if now == OLD else -1
    assert sorted(corrections(on)) == sorted(
        [
            ("P1", False, "register_correction", -31 * sign, Decimal(-31 * sign)),
            ("P1", False, "register_correction", 31 * sign, Decimal(93 * sign)),
        ]
    )


def test_who_has_left_the_list_or_the_area_is_corrected_too(told: ToldDesk) -> None:
    """One chose another's list and one moved away, before the register put their sex right."""
    choices = [Chosen(1, 1, end=date(2017, 6, 1)), Chosen(2, 2)]
    gone = Listed(2, YOUNG, "2", "091", date(2017, 6, 1))
    on = settle(
        told,
        Month([Listed(1, YOUNG), Listed(2, YOUNG)], choices, PLACES),
        Month([Listed(1, YOUNG, "2"), gone]),
    )
    assert sum(row[-1] for row in corrections(on)) == Decimal(62)


def test_who_comes_back_to_the_register_otherwise_than_they_left_is_corrected(
    told: ToldDesk,
) -> None:
    """June's register leaves the person out; July's has them back, older."""
    on = settle(
        told,
        Month([Listed(1, YOUNG), NOBODY], [Chosen(1, 1)], PLACES),
        Month([NOBODY]),
        Month([Listed(1, OLD), NOBODY]),
    )
    assert sum(row[-1] for row in corrections(on)) == Decimal(62)


TWO = [Listed(1, YOUNG), Listed(2, YOUNG)]
CHOICES = [Chosen(1, 1, "P1"), Chosen(2, 2, "P2", date(2017, 5, 11))]
JOINED = [Listed(2, YOUNG, former_code=1)]


def test_two_codes_that_are_one_person_are_paid_once(told: ToldDesk) -> None:
    """Ten days with the first provider, then the choice made under the other code."""
    on = settle(told, Month(TWO, CHOICES, PLACES), Month(JOINED))
    assert corrections(on) == [
        # The days before the other code's choice were the public station's, in shadow.
        ("M1", True, "register_correction", -10, Decimal(-10)),
        ("P1", False, "register_correction", -21, Decimal(-21)),
    ]


def test_codes_that_are_parted_again_are_two_persons_again(told: ToldDesk) -> None:
    on = settle(told, Month(TWO, CHOICES, PLACES), Month(JOINED), Month(TWO))
    by_provider = on.lake.rows(
        "select provider_id, is_shadow, sum(person_days), sum(amount_eur)"
        " from mart.capitation_adjustment where corrected_month = ? group by all order by all",
        [MAY],
    )
    assert by_provider == [("M1", True, 0, 0), ("P1", False, 0, 0)]


def test_a_code_claimed_by_another_person_leaves_the_one_it_was_joined_to(told: ToldDesk) -> None:
    """Nothing is told of the person who loses it, and their month changes all the same."""
    claimed = [Listed(2, YOUNG, former_code=1), Listed(3, YOUNG, former_code=1)]
    on = settle(
        told,
        Month([*JOINED, Listed(3, YOUNG)], CHOICES, PLACES),
        Month(claimed),
    )
    assert ("P1", False, "register_correction", -10, Decimal(-10)) not in corrections(on)
    days = on.lake.rows(
        "select provider_id, is_shadow, sum(person_days) from mart.capitation_adjustment"
        " where corrected_month = ? group by all order by all",
        [MAY],
    )
    # The choice of P1 is the third's now: 31 days of theirs, and ten of the second are in shadow.
    assert days == [("M1", True, -21), ("P1", False, 21)]


def test_a_choice_waits_for_its_site_and_is_paid_when_the_site_is_known(told: ToldDesk) -> None:
    unknown = replace(PLACES, unknown=frozenset({"S2"}))
    choices = [Chosen(1, 1, "P2")]
    on = settle(
        told,
        Month([Listed(1, YOUNG)], choices, unknown),
        Month([Listed(1, YOUNG)], places=PLACES),
    )
    assert corrections(on) == [
        ("M1", True, "register_correction", -31, Decimal(-31)),
        ("P2", False, "register_correction", 31, Decimal(31)),
    ]


def test_a_provider_that_was_public_all_along_is_paid_in_shadow(told: ToldDesk) -> None:
    both = replace(PLACES, public=frozenset({"M1", "P2"}))
    on = settle(
        told,
        Month([Listed(1, YOUNG)], [Chosen(1, 1, "P2")], PLACES),
        Month([Listed(1, YOUNG)], places=both),
    )
    assert corrections(on) == [
        ("P2", False, "register_correction", -31, Decimal(-31)),
        ("P2", True, "register_correction", 31, Decimal(31)),
    ]


def test_who_chose_nobody_follows_the_station_of_the_municipality(told: ToldDesk) -> None:
    nowhere = replace(PLACES, unknown=frozenset({"S9"}))
    on = settle(told, Month([Listed(1, YOUNG)], (), nowhere), Month([Listed(1, YOUNG)], (), PLACES))
    assert corrections(on) == [("M1", True, "register_correction", 31, Decimal(31))]


WIDER = replace(PLACES, area=frozenset({"106", "186", "091"}))


def test_a_municipality_that_joins_the_area_is_paid_by_the_factor_it_is_given(
    told: ToldDesk,
) -> None:
    """The days at nought, for May had no factor for it, and the rest as a correction of tariff."""
    settle(told, Month([NOBODY], [Chosen(1, 9)], PLACES))
    told.land(1, Month([NOBODY], (), WIDER))
    wider = replace(TARIFF, regional={"106": "1", "186": "1", "091": "2"})
    on = told.desk.tariff(wider)
    on.settle(JUNE)
    assert corrections(on) == [
        ("P1", False, "register_correction", 31, Decimal(0)),
        ("P1", False, "tariff_correction", 0, Decimal(186)),
    ]


def test_a_municipality_that_leaves_the_area_is_paid_no_more(told: ToldDesk) -> None:
    less = replace(PLACES, area=frozenset({"186"}))
    on = settle(
        told,
        Month([Listed(1, YOUNG)], [Chosen(1, 1)], PLACES),
        Month([Listed(1, YOUNG)], (), less),
    )
    assert corrections(on) == [("P1", False, "register_correction", -31, Decimal(-31))]


def test_a_run_notes_the_newest_delivery_of_each_source_and_its_rulebooks(told: ToldDesk) -> None:
    """July's deliveries have come too: of those with a cut-off the month's own count."""
    told.land(0, Month([NOBODY], [Chosen(1, 9)], PLACES))
    told.land(1, Month([NOBODY]), Month([NOBODY], (), WIDER))
    on = told.desk.tariff(replace(TARIFF, regional=dict.fromkeys(("106", "186", "091"), "1")))
    on.settle(MAY)
    assert on.rows("ledger.frozen_source", "source, table_name, delivery_sequence") == [
        ("apotti", "procedures", 201707),
        ("enrolment_portal", "enrolments", 201705),
        ("population_register", "residents", 201705),
        ("reference", "municipalities", 201707),
        ("reference", "sites", 201707),
    ]
    books = {book.name: book.sha256 for book in on.session.definition.rulebooks}
    assert dict(on.rows("ledger.frozen_rulebook", "table_name, sha256")) == books
    assert on.rows(
        "ledger.frozen_scheme", "adults_from_age, choice_delay_days, is_shadow_for_public"
    ) == [(0, 0, True)]
