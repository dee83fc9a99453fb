"""What services are on offer where, by whom and at what price, and where one is needed and is not.

Here: providers, prices, catalogue and needs in, menu and gaps out. Not here: what is known of a
price or provider when (`test_vouchers`), who needs what (`test_personal_budget`).
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.support.budgets import D
from tests.support.model_chain import Chain, chain

START = date(2017, 1, 1)
YEAR_END = date(2017, 12, 31)
TABLES = {
    "effective.delivery": "source varchar, table_name varchar, covers_to_date date",
    "core.voucher_provider": (
        "voucher_provider_id varchar, business_id varchar, provider_name varchar,"
        " sector_code varchar, service_codes varchar, facilitator_provider_id varchar,"
        " municipality_code varchar, language_codes varchar, valid_from_date date,"
        " valid_to_date date, known_to_seq bigint"
    ),
    "core.service_price": (
        "voucher_provider_id varchar, service_code varchar, unit_code varchar,"
        " unit_price_eur decimal(18,2), valid_from_date date, valid_to_date date,"
        " known_to_seq bigint"
    ),
    "core.service_offering": (
        "service_id varchar, business_id varchar, municipality_code varchar, name_fi varchar,"
        " service_class_codes varchar, language_codes varchar, valid_from_date date,"
        " valid_to_date date"
    ),
    "core.provider": "provider_id varchar, business_id varchar",
    "core.site": "site_id varchar, provider_id varchar",
    "core.permit": (
        "permit_code varchar, site_id varchar, service_code varchar, valid_from_date date,"
        " valid_to_date date"
    ),
    "core.municipality": "municipality_code varchar, is_trial_area boolean",
    "core.register_month": "exposure_month date",
    "core.person": "person_id bigint, language_code varchar",
    "core.person_month": "person_id bigint, exposure_month date, municipality_code varchar",
    "core.personal_budget_need": (
        "person_id bigint, proposed_from_date date, service_code varchar, class_number integer"
    ),
    "core.unit_cost": (
        "cost_source_code varchar, price_code varchar, calendar_year integer,"
        " cost_unit_code varchar, unit_cost_eur decimal(18,2)"
    ),
}
MODELS = ("mart.voucher_provider_register", "mart.service_menu", "mart.service_gap")
DELIVERED = [("smartum", "service_prices", YEAR_END)]
AREA = [("106", True), ("186", True), ("091", False)]


@pytest.fixture(scope="module")
def market() -> Chain:
    return chain(MODELS, TABLES)


def provider(name: str = "PT1", **others: Any) -> tuple[Any, ...]:
    row = {
        "voucher_provider_id": name,
        "business_id": "9900001-8",
        "provider_name": f"Apu {name} Oy",
        "sector_code": "private",
        "service_codes": "cleaning",
        "facilitator_provider_id": None,
        "municipality_code": "106",
        "language_codes": "fi",
        "valid_from_date": START,
        "valid_to_date": None,
        "known_to_seq": None,
    }
    assert others.keys() <= row.keys()
    return tuple((row | others).values())


def price(provider_id: str, euros: str, *, unit: str = "hour", until: date | None = None) -> Any:
    return (provider_id, "cleaning", unit, D(euros), START, until, None)


def run(market: Chain, *providers: Any, **tables: Any) -> None:
    market.run(
        {
            "effective.delivery": DELIVERED,
            "core.voucher_provider": providers,
            "core.municipality": AREA,
            "core.register_month": [(date(2017, 12, 1),)],
            **{f"core.{name}": rows for name, rows in tables.items()},
        }
    )


def register(market: Chain, columns: str) -> list[tuple[Any, ...]]:
    return market.rows(f"select {columns} from mart.voucher_provider_register order by all")


# The register.


@pytest.mark.parametrize(
    ("business_id", "is_sound"),
    [("9900001-8", True), ("9900001-7", False), ("0000000-0", True), ("9900010-6", True)],
)
def test_the_check_digit_of_a_business_id_is_judged(
    market: Chain, business_id: str, is_sound: bool
) -> None:
    run(market, provider(business_id=business_id))
    assert register(market, "is_business_id_sound") == [(is_sound,)]


@pytest.mark.parametrize("name", ["Siivous Virtanen Tmi", "Tmi Virtanen", 'Terapia "Sointu"; tmi'])
def test_a_sole_trader_is_a_person_who_is_not_named(market: Chain, name: str) -> None:
    run(market, provider(provider_name=name), provider("PT2", provider_name="Tmina Oy"))
    assert register(
        market, "voucher_provider_id, provider_name, business_id, is_natural_person"
    ) == [
        ("PT1", None, None, True),
        ("PT2", "Tmina Oy", "9900001-8", False),
    ]


def test_a_public_producer_is_paid_by_transfer(market: Chain) -> None:
    run(market, provider(sector_code="public"), provider("PT2"))
    assert register(market, "voucher_provider_id, payment_instrument_code") == [
        ("PT1", "transfer"),
        ("PT2", "voucher"),
    ]


@pytest.mark.parametrize(
    ("change", "permits", "state"),
    [
        ({"service_codes": "cleaning"}, [], "not_required"),
        ({"sector_code": "public"}, [], "not_required"),
        ({"business_id": "9900010-2"}, [], "not_known"),  # no site of the firm is listed
        ({}, [], "missing"),
        ({}, [("A/1", "S1", "home_care", START, None)], "held"),
    ],
)
def test_permits_are_those_of_the_firms_listed_sites(
    market: Chain, change: dict[str, Any], permits: Any, state: str
) -> None:
    given = provider(**({"service_codes": "home_care"} | change))
    run(market, given, provider=[("Y1", "9900001-8")], site=[("S1", "Y1")], permit=permits)
    assert register(market, "permit_state_code") == [(state,)]


# The menu.


def menu(market: Chain) -> list[tuple[Any, ...]]:
    return market.rows(
        "select service_code, municipality_code, coalesce(voucher_provider_id, service_id),"
        " unit_price_eur, is_in_catalogue from mart.service_menu order by all"
    )


def test_who_is_approved_is_on_the_menu_at_the_price_of_the_day(market: Chain) -> None:
    prices = [price("PT1", "29", until=date(2017, 7, 1)), price("PT2", "33")]
    gone = provider("PT3", valid_to_date=YEAR_END)
    run(market, provider(), provider("PT2"), gone, service_price=prices)
    assert menu(market) == [
        ("cleaning", "106", "PT1", None, False),
        ("cleaning", "106", "PT2", D(33), False),
    ]


def test_the_catalogues_services_stand_beside_by_their_class(market: Chain) -> None:
    offers = [
        ("u1", "9900001-8", "106", "Kotihoito", "P4.1,P5.1", "fi", START, None),
        ("u1", "9900099-9", "106", "Kotihoito", "P4.1,P5.1", "fi", START, None),
        ("u2", "9900099-9", "106", "Kotihoito", "P5.1", "fi", START, date(2017, 6, 1)),
        ("u3", "9900099-9", "106", "Muu", "P5.10", "fi", START, None),  # another class
    ]
    run(market, provider(service_codes="home_care"), service_offering=offers)
    assert menu(market) == [
        ("home_care", "106", "PT1", None, True),
        ("home_care", "106", "u1", None, True),
    ]


# Gaps.


def gaps(market: Chain) -> list[tuple[Any, ...]]:
    return market.rows(
        "select municipality_code, needed_count, provider_count, is_gap, is_language_gap"
        " from mart.service_gap where service_code = 'cleaning' order by all"
    )


def living(*people: tuple[int, str | None, str]) -> dict[str, Any]:
    """Clients by number, municipality and language, all of whom need cleaning."""
    return {
        "person": [(n, language) for n, _, language in people],
        "person_month": [(n, date(2017, 12, 1), place) for n, place, _ in people],
        "personal_budget_need": [(n, date(2017, 7, 1), "cleaning", 2) for n, *_ in people],
    }


def test_a_service_that_is_needed_and_that_nobody_offers_is_a_gap(market: Chain) -> None:
    run(market, provider(), **living((1, "106", "fi"), (2, "186", "fi"), (3, "186", "fi")))
    assert gaps(market) == [("106", 1, 1, False, False), ("186", 2, 0, True, False)]


def test_who_needs_it_in_swedish_has_a_gap_of_language(market: Chain) -> None:
    run(market, provider(), **living((1, "106", "sv")))
    assert gaps(market)[0] == ("106", 1, 1, False, True)
    run(market, provider(language_codes="fi,sv"), **living((1, "106", "sv")))
    assert gaps(market)[0] == ("106", 1, 1, False, False)


def test_who_needs_it_no_more_or_lives_nowhere_told_makes_no_gap(market: Chain) -> None:
    people = living((1, "106", "fi"), (2, None, "fi"))
    people["personal_budget_need"].append((1, date(2017, 9, 1), "cleaning", 0))
    run(market, **people)
    assert gaps(market) == [("106", 0, 0, False, False), ("186", 0, 0, False, False)]


def test_prices_are_told_as_range_and_median_beside_the_own_cost(market: Chain) -> None:
    prices = [price("PT1", "29"), price("PT2", "33"), price("PT3", "31.51")]
    cost = [
        ("own", "support_services", 2016, "hour", D(20)),
        ("own", "support_services", 2017, "hour", D("24.55")),
        ("own", "support_services", 2018, "day", D(99)),  # of another unit
    ]
    run(market, provider(), provider("PT2"), provider("PT3"), service_price=prices, unit_cost=cost)
    assert market.rows(
        "select least_price_eur, median_price_eur, greatest_price_eur, own_unit_cost_eur"
        " from mart.service_gap where service_code = 'cleaning' and municipality_code = '106'"
    ) == [(D(29), D("31.51"), D(33), D("24.55"))]
