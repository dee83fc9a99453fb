"""What is paid for a list, day by day and to the cent, by hand.

Here: lists, lines and payments of one month; published tariffs. Not here: corrections of closed
months (`test_adjustments`), the rule over random lists (`tests/property`).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.support.settling import MAY, Desk, Tariff, desk

JULY_2016 = date(2016, 7, 1)


@pytest.fixture
def may() -> Desk:
    """365 euros a year, hence a euro a day."""
    return desk()


def days(on: Desk) -> list[tuple[object, ...]]:
    return on.rows("ledger.frozen_list", "status_code, person_id, provider_id, person_days")


def test_a_month_on_the_list_is_its_days(may: Desk) -> None:
    may.choice(may.person(1))
    settled = may.settle(MAY)
    assert may.paid() == {"P1": Decimal("31.00")}
    assert settled.reckoned.paid_eur == Decimal("31.00")


def test_a_choice_pays_from_its_first_day_to_the_day_before_its_end(may: Desk) -> None:
    may.choice(may.person(1), date(2017, 5, 10), date(2017, 5, 20))
    may.settle(MAY)
    assert may.paid() == {"P1": Decimal("10.00")}


def test_a_change_of_provider_in_mid_month_pays_each_for_its_days(may: Desk) -> None:
    may.person(1)
    may.choice(1, date(2017, 1, 1), date(2017, 5, 11))
    may.choice(1, date(2017, 5, 11), provider_id="P2", site_id="S2")
    may.settle(MAY)
    assert may.paid() == {"P1": Decimal("10.00"), "P2": Decimal("21.00")}


def test_norway_july_2016() -> None:
    """442 kroner a year: 442 / 366 × 31 = 37.4372 a person; a list of 1 000 is 37 437.16."""
    on = desk(Tariff(bands=((0, 200, "any", "442.00"),)))
    on.delivered(JULY_2016)
    for number in range(1000):
        on.choice(on.person(number))
    on.settle(JULY_2016)
    assert on.paid() == {"P1": Decimal("37437.16")}


def test_norway_with_a_breakpoint() -> None:
    """1 200 on the list, 675 a year for each up to 1 000 and 544 beyond: 783 800 a year."""
    steps = {1000: "-131.00"}
    on = desk(Tariff(bands=((0, 200, "any", "675.00"),), breakpoints=steps))
    on.lake.execute(
        "insert into lake.core.person select n, '1', date '1980-01-01', null from range(1200) r(n)"
    )
    on.lake.execute(
        "insert into lake.core.residence"
        " select n, '106', date '2000-01-01', null, 201001, null from range(1200) r(n)"
    )
    on.lake.execute(
        "insert into lake.core.enrolment select '', n, 'reception', 'P1', 'S1', date '2010-01-01',"
        " null, false, 201001, null from range(1200) r(n)"
    )
    months = [date(2017, number, 1) for number in range(1, 13)]
    on.delivered(*(m for m in months if m != MAY))
    for month in months:
        on.settle(month)
    total = on.lake.value("select sum(amount_eur) from mart.capitation_payment")
    assert total == pytest.approx(Decimal(783800), abs=Decimal("0.06"))
    by_month = on.rows("mart.capitation_payment", "settlement_month, line_eur")
    assert by_month[0] == (date(2017, 1, 1), Decimal("66569.31"))


def test_leap_years_have_366_days(may: Desk) -> None:
    may.choice(may.person(1))
    may.delivered(*(date(2015, number, 1) for number in range(2, 13)), date(2016, 1, 1))
    may.delivered(date(2016, 2, 1))
    may.settle(date(2015, 2, 1))
    may.settle(date(2016, 2, 1))
    assert may.paid(date(2015, 2, 1)) == {"P1": Decimal("28.00")}
    assert may.paid(date(2016, 2, 1)) == {"P1": Decimal("28.92")}


def test_ages_turn_on_the_birthday() -> None:
    on = desk(Tariff(bands=((0, 6, "any", "730.00"), (7, 200, "any", "365.00"))))
    on.choice(on.person(1, date(2010, 5, 11)))
    on.choice(on.person(2, date(2010, 5, 1)))
    on.choice(on.person(3, date(2010, 6, 1)))
    on.settle(MAY)
    assert on.rows("mart.capitation_line", "age_from, person_count, person_days, amount_eur") == [
        (0, 2, 41, Decimal("82.00")),
        (7, 2, 52, Decimal("52.00")),
    ]


def test_who_was_born_on_29_february_turns_on_1_march_in_common_years() -> None:
    on = desk(Tariff(bands=((0, 4, "any", "730.00"), (5, 200, "any", "365.00"))))
    on.delivered(date(2017, 2, 1), date(2017, 3, 1))
    on.choice(on.person(1, date(2012, 2, 29)))
    on.settle(date(2017, 2, 1))
    on.settle(date(2017, 3, 1))
    assert on.paid(date(2017, 2, 1)) == {"P1": Decimal("56.00")}
    assert on.paid(date(2017, 3, 1)) == {"P1": Decimal("31.00")}


def test_every_factor_multiplies(may: Desk) -> None:
    on = may.tariff(Tariff(regional={"106": "1.1", "186": "1"}, others={"mode_code": "need"}))
    on.choice(on.person(1))
    on.put("mart.capitation_need_factor", ("R", date(2010, 1, 1), MAY, "P1", "1.2"))
    on.put(
        "mart.capitation_correction_factor",
        ("R", date(2010, 1, 1), "P1", "0.9", 90, 100, 1, "0.9", 0, None, None),
    )
    on.settle(MAY)
    # 31 × 1.1 × 1.2 × 0.9 = 36.828
    assert on.paid() == {"P1": Decimal("36.83")}


def test_days_outside_the_area_and_after_death_are_told_and_not_paid(may: Desk) -> None:
    may.put(
        "core.person",
        (1, "1", date(1980, 1, 1), None),
        (2, "2", date(1950, 1, 1), date(2017, 5, 5)),
    )
    may.put(
        "core.residence",
        (1, "106", date(2000, 1, 1), date(2017, 5, 11), 201001, None),
        (1, "091", date(2017, 5, 11), None, 201001, None),
        (2, "106", date(2000, 1, 1), date(2017, 5, 6), 201001, None),
    )
    for person in (1, 2, 3):
        may.choice(person)
    may.settle(MAY)
    assert days(may) == [
        ("deceased", 2, "P1", 26),
        ("moved_away", 1, "P1", 21),
        ("not_listed", 3, "P1", 31),
        ("paid", 1, "P1", 10),
        ("paid", 2, "P1", 5),
    ]
    assert may.paid() == {"P1": Decimal("15.00")}


def test_who_chose_nobody_is_on_the_shadow_list_of_the_public_station() -> None:
    on = desk(Tariff(others={"is_shadow_for_public": "true"}))
    on.person(1)
    on.choice(on.person(2), date(2017, 5, 11))
    on.choice(on.person(3), provider_id="M1", site_id="S9")
    on.settle(MAY)
    assert on.rows("mart.capitation_payment", "provider_id, is_shadow, amount_eur") == [
        ("M1", True, Decimal("72.00")),
        ("P1", False, Decimal("21.00")),
    ]


def test_providers_under_a_facilitator_are_paid_one_by_one(may: Desk) -> None:
    may.put("core.voucher_provider", ("1111111-1", "V7", None), ("2222222-2", "V7", None))
    may.choice(may.person(1))
    may.choice(may.person(2), provider_id="P2", site_id="S2")
    may.settle(MAY)
    assert may.rows(
        "mart.capitation_payment", "provider_id, facilitator_provider_id, amount_eur"
    ) == [("P1", "V7", Decimal("31.00")), ("P2", "V7", Decimal("31.00"))]


def test_dental_pays_capitation_acts_and_an_incentive_to_adults_three_weeks_after_the_choice() -> (
    None
):
    on = desk(
        Tariff(
            bands=((18, 200, "any", "365.00"),),
            acts={"SFA10": "30.00"},
            incentive="0.05",
            others={"service_code": "dental", "adults_from_age": "18", "choice_delay_days": "21"},
        )
    )
    on.choice(on.person(1), date(2017, 5, 1), service_code="dental")  # from 22 May: 10 days
    on.choice(on.person(2, date(2005, 1, 1)), service_code="dental")  # twelve years old
    on.put(
        "core.procedure",
        ("SFA10", 1, "S1", date(2017, 5, 21), MAY),  # before the choice takes effect
        ("SFA10", 1, "S1", date(2017, 5, 22), MAY),
        ("SFA10", 1, "S2", date(2017, 5, 23), MAY),  # at another's
        ("SCA01", 1, "S1", date(2017, 5, 23), MAY),  # paid by the capitation
        ("SFA10", 2, "S1", date(2017, 5, 23), MAY),  # a child
    )
    on.settle(MAY)
    assert on.rows("mart.capitation_line", "line_kind_code, act_count, amount_eur") == [
        ("act", 1, Decimal("30.00")),
        ("capitation", 0, Decimal("10.00")),
        ("incentive", 0, Decimal("2.00")),
    ]


def test_neutrality_keeps_the_budget_to_the_cent() -> None:
    on = desk(Tariff(others={"is_budget_neutral": "true"}))
    for number in range(7):
        on.choice(on.person(number), provider_id=("P1", "P2")[number % 2])
    on.put("mart.capitation_need_factor", ("R", date(2010, 1, 1), MAY, "P1", "1.3"))
    settled = on.settle(MAY)
    assert sum(on.paid().values()) == Decimal("217.00")
    # 4 × 1.3 + 3 = 8.2 parts of 7.
    assert settled.reckoned.neutrality_factor == Decimal("0.85365854")
    assert on.paid()["P1"] == Decimal("137.61")


def test_a_run_holds_what_it_rests_on_by_source_and_rulebook(may: Desk) -> None:
    """May settled when June's deliveries are in: its list is May's, all else is June's."""
    may.delivered(date(2017, 6, 1))
    may.choice(may.person(1))
    may.settle(MAY)
    assert may.rows("ledger.frozen_source", "source, table_name, delivery_sequence") == [
        ("apotti", "procedures", 201706),
        ("enrolment_portal", "enrolments", 201705),
        ("population_register", "residents", 201705),
    ]
    books = {(book.name, book.sha256) for book in may.session.definition.rulebooks}
    assert set(may.rows("ledger.frozen_rulebook", "table_name, sha256")) == books
