"""What an event costs, from the ledger to the cent, by hand.

Here: months of service, activity by the rulebooks as they are, unit costs, and costs invoiced, own
and national. Not here: which rows are in force (`tests/pipeline`).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from dagster_project.pipeline import load_definition
from tests.support.models import Bench, bench

MAY, JUNE = date(2017, 5, 1), date(2017, 6, 1)
RULES = (
    "valid_from_date date, event_kind_code varchar, first_code varchar, second_code varchar,"
    " group_code varchar, place_code varchar, costed_service_code varchar,"
    " package_class_code varchar, aura_class_code varchar, cost_unit_code varchar,"
    " weight decimal(9,3), is_own_costed boolean"
)
MATCHES = (
    "valid_from_date date, event_table varchar, first_code varchar, second_code varchar,"
    " unit_cost_code varchar"
)
ENCOUNTER = (
    "encounter_id bigint, person_id bigint, site_id varchar, encounter_date date,"
    " encounter_month date, contact_type_code varchar, profession_code varchar,"
    " service_code varchar"
)
PROCEDURE = (
    "procedure_id bigint, person_id bigint, performed_date date, procedure_month date,"
    " procedure_code varchar"
)
PERIOD_MONTH = (
    "service_period_id bigint, person_id bigint, service_class_code varchar,"
    " client_group_code varchar, service_month date, service_date date, service_days bigint,"
    " service_hours decimal(18,4)"
)
EPISODE = (
    "episode_id bigint, person_id bigint, episode_kind_code varchar, is_psychiatric boolean,"
    " episode_date date, episode_month date, stay_days bigint"
)
ACTIVITY = (
    "activity_month date, event_kind_code varchar, first_code varchar, second_code varchar,"
    " group_code varchar, place_code varchar, event_count bigint, day_quantity decimal(18,4),"
    " hour_quantity decimal(18,4), costed_service_code varchar, package_class_code varchar,"
    " aura_class_code varchar, cost_unit_code varchar, weight decimal(9,3),"
    " is_own_costed boolean, quantity decimal(18,4), unit_cost_code varchar"
)
UNIT_COST = (
    "cost_source_code varchar, price_code varchar, calendar_year integer,"
    " classification_code varchar, service_class_code varchar, cost_unit_code varchar,"
    " weight decimal(9,3), quantity decimal(18,4), class_quantity decimal(18,4),"
    " allocated_eur decimal(18,2), unit_cost_eur decimal(18,2)"
)
SITE = "site_id varchar, service_code varchar"


def rulebook(name: str) -> list[tuple[Any, ...]]:
    (book,) = (b for b in load_definition().rulebooks if b.name == name)
    return [(starts, *row) for starts, row in book.rows]


@pytest.fixture(scope="module")
def months() -> Bench:
    return bench(
        "core.service_period_month",
        {
            "core.service_period": "service_period_id bigint, person_id bigint,"
            " service_class_code varchar, client_group_code varchar, hours_a_week decimal(5,1),"
            " started_date date, ended_date date, is_carer boolean",
            "effective.delivery": "source varchar, table_name varchar, covers_to_date date",
        },
    )


def test_a_period_is_parted_by_month_up_to_what_the_source_has_told(months: Bench) -> None:
    care = ("home_care", "elderly", "7.0")
    rows = months.run(
        {
            "core.service_period": [
                (1, 7, *care, date(2017, 4, 30), None, False),
                (2, 7, *care, date(2017, 5, 10), date(2017, 5, 12), False),
                (3, 7, "informal_care", "elderly", None, date(2017, 5, 10), None, True),
                (4, 7, *care, None, None, False),
                (5, 7, *care, date(2017, 6, 1), None, False),
                (6, 7, *care, date(2011, 1, 5), date(2017, 4, 7), False),
                (7, 7, *care, date(2011, 1, 5), date(2017, 3, 31), False),
            ],
            "effective.delivery": [
                ("apotti", "social_services", date(2017, 4, 30)),
                ("apotti", "social_services", date(2017, 5, 31)),
                ("apotti", "encounters", date(2017, 6, 30)),
            ],
        }
    )
    found = {
        (r["service_period_id"], r["service_month"]): (
            r["service_date"],
            r["service_days"],
            r["service_hours"],
        )
        for r in rows
    }
    assert found == {
        (1, date(2017, 4, 1)): (date(2017, 4, 30), 1, Decimal("1.0000")),
        (1, MAY): (MAY, 31, Decimal("31.0000")),
        (2, MAY): (date(2017, 5, 10), 3, Decimal("3.0000")),
        (6, date(2017, 4, 1)): (date(2017, 4, 1), 7, Decimal("7.0000")),
    }


@pytest.fixture(scope="module")
def activity() -> Bench:
    return bench(
        "core.costed_activity",
        {
            "core.encounter": ENCOUNTER,
            "core.procedure": PROCEDURE,
            "core.service_period_month": PERIOD_MONTH,
            "core.hospital_episode": EPISODE,
            "core.site": SITE,
            "rulebook.costed_event": RULES,
            "rulebook.unit_cost_match": MATCHES,
        },
    )


def visit(
    number: int, contact: str, profession: str, service: str, site: str | None = "S1"
) -> tuple[Any, ...]:
    return (number, 7, site, date(2017, 5, 9), MAY, contact, profession, service)


def test_events_are_counted_under_the_rule_that_says_most_of_them(activity: Bench) -> None:
    rows = activity.run(
        {
            "core.encounter": [
                visit(1, "R10", "2221", "T11"),
                visit(2, "R10", "2221", "T11", None),
                visit(3, "R10", "2221", "T11", "E1"),
                visit(4, "R10", "2221", "T11", "E2"),
                visit(5, "R10", "99999", "T11"),
                visit(6, "R10", "2221", "T99"),
            ],
            "core.procedure": [
                (1, 7, date(2017, 5, 9), MAY, "SFA10"),
                (2, 7, date(2017, 5, 9), MAY, "SPAT1254"),
            ],
            "core.service_period_month": [
                (1, 7, "housing_24h", "elderly", MAY, MAY, 31, None),
                (2, 7, "housing_24h", "disabled", MAY, MAY, 10, None),
                (3, 7, "home_care", "elderly", MAY, MAY, 31, "26.5714"),
            ],
            "core.hospital_episode": [
                (1, 7, "inpatient_stay", True, date(2017, 5, 9), MAY, 4),
                (2, 7, "inpatient_stay", True, date(2017, 5, 9), MAY, None),
            ],
            "core.site": [("S1", "reception"), ("E1", "emergency"), ("E2", "emergency")],
            "rulebook.costed_event": rulebook("costed_event"),
            "rulebook.unit_cost_match": rulebook("unit_cost_match"),
        }
    )
    found = {
        (r["costed_service_code"], r["package_class_code"], r["unit_cost_code"]): (
            r["event_count"],
            r["quantity"],
        )
        for r in rows
    }
    assert found == {
        ("reception_doctor_visit", "P01", "PTH-R10-2221"): (2, 2),
        ("emergency_visit", "P10", "PTH-R10-2221"): (2, 2),
        ("reception_other_visit", "P01", "PTH-R10-OTHER"): (1, 1),
        (None, None, "PTH-R10-2221"): (1, 1),
        ("dental_sfa10", "P02", "SUU-SFA10"): (1, 1),
        ("housing_24h", "P09", "SOS-HOUSING_24H"): (1, 31),
        ("disabled_housing", "P07", "SOS-HOUSING_24H"): (1, 10),
        ("home_care", "P08", "SOS-HOME_CARE"): (1, Decimal("26.5714")),
        ("psychiatric_day", "P13", "ESH-DAY-PSYCHIATRIC"): (2, 5),
    }


@pytest.fixture(scope="module")
def unit_cost() -> Bench:
    return bench(
        "core.unit_cost",
        {
            "core.costed_activity": ACTIVITY,
            "core.service_class": "classification_code varchar, service_class_code varchar,"
            " valid_from_date date, valid_to_date date",
            "core.ledger_allocation": "ledger_month date, classification_code varchar,"
            " service_class_code varchar, amount_eur decimal(18,2)",
            "core.national_unit_cost": "unit_cost_code varchar, price_year integer,"
            " cost_unit_code varchar, cost_eur decimal(18,2)",
        },
    )


def counted(
    month: date, service: str, weight: str, count: int, own: bool = True
) -> tuple[Any, ...]:
    return (
        *(month, "encounter", service, "", "", "", count, 0, 0, service, "P01", "A01", "visit"),
        *(weight, own, count, f"N-{service}"),
    )


def test_own_unit_costs_share_the_class_euros_by_weight(unit_cost: Bench) -> None:
    """3 visits of weight 1 and 2 of 0.5 share 100.01 €: 25.0025 each, half of it 12.50125."""
    rows = unit_cost.run(
        {
            "core.costed_activity": [
                counted(MAY, "doctor", "1.000", 3),
                counted(MAY, "nurse", "0.500", 2),
                # A month without a ledger, a class under another classification, national only.
                counted(JUNE, "doctor", "1.000", 100),
                counted(MAY, "assistance", "1.000", 9, own=False),
            ],
            "core.service_class": [
                ("package", "P01", date(2000, 1, 1), date(2023, 1, 1)),
                ("aura", "A01", date(2023, 1, 1), None),
            ],
            "core.ledger_allocation": [
                (MAY, "package", "P01", "120.01"),
                (MAY, "package", "P01", "-20.00"),
                (MAY, "aura", "A01", "100.01"),
            ],
            "core.national_unit_cost": [
                ("N-doctor", 2015, "visit", "90.00"),
                ("N-doctor", 2016, "visit", "95.00"),
                ("N-doctor", 2018, "visit", "99.00"),
                ("N-assistance", 2020, "hour", "25.00"),
            ],
        }
    )
    found = {
        (r["cost_source_code"], r["price_code"]): (r["quantity"], r["unit_cost_eur"]) for r in rows
    }
    assert found == {
        ("own", "doctor"): (3, Decimal("25.00")),
        ("own", "nurse"): (2, Decimal("12.50")),
        ("national", "N-doctor"): (103, Decimal("95.00")),
        ("national", "N-assistance"): (0, Decimal("25.00")),
    }


@pytest.mark.parametrize(
    ("euros", "visits", "due"),
    [
        ("0.05", 10, "0.01"),
        ("0.04", 10, "0.00"),
        ("0.15", 10, "0.02"),
        ("1000000.00", 3, "333333.33"),
    ],
)
def test_an_own_unit_cost_is_rounded_half_up(
    unit_cost: Bench, euros: str, visits: int, due: str
) -> None:
    (row,) = unit_cost.run(
        {
            "core.costed_activity": [counted(MAY, "doctor", "1.000", visits)],
            "core.service_class": [("package", "P01", date(2000, 1, 1), None)],
            "core.ledger_allocation": [(MAY, "package", "P01", euros)],
        }
    )
    assert row["unit_cost_eur"] == Decimal(due)


def test_a_class_with_more_reversed_than_spent_has_no_unit_cost_of_its_own(
    unit_cost: Bench,
) -> None:
    assert not unit_cost.run(
        {
            "core.costed_activity": [counted(MAY, "doctor", "1.000", 3)],
            "core.service_class": [("package", "P01", date(2000, 1, 1), None)],
            "core.ledger_allocation": [(MAY, "package", "P01", "-5.00")],
        }
    )


@pytest.fixture(scope="module")
def cost() -> Bench:
    return bench(
        "core.cost",
        {
            "core.encounter": ENCOUNTER,
            "core.procedure": PROCEDURE,
            "core.service_period_month": PERIOD_MONTH,
            "core.hospital_episode": EPISODE,
            "core.invoice_line": "episode_id bigint, net_amount_eur decimal(18,2)",
            "core.site": SITE,
            "core.costed_activity": ACTIVITY,
            "core.unit_cost": UNIT_COST,
            "rulebook.unit_cost_match": MATCHES,
        },
    )


def known(kind: str, codes: tuple[str, ...], service: str | None, national: str) -> tuple[Any, ...]:
    return (MAY, kind, *codes, 1, 0, 0, service, "P01", "A01", None, "1.000", True, 1, national)


def price(source: str, code: str, unit: str, euros: str) -> tuple[Any, ...]:
    return (source, code, 2017, None, None, unit, None, None, None, None, euros)


EVENTS_AND_PRICES: dict[str, list[tuple[Any, ...]]] = {
    "core.encounter": [
        visit(1, "R10", "2221", "T11"),
        visit(2, "R50", "2221", "T11"),
        visit(3, "R99", "2221", "T11"),
    ],
    "core.service_period_month": [
        (1, 7, "home_care", "elderly", MAY, date(2017, 5, 10), 22, "0.0350"),
        (2, 7, "home_care", "elderly", MAY, MAY, 31, None),
        (3, 7, "support_services", "elderly", MAY, MAY, 15, None),
    ],
    "core.hospital_episode": [
        (1, 7, "outpatient_visit", False, date(2017, 5, 9), MAY, None),
        (2, 7, "outpatient_visit", False, date(2017, 5, 9), MAY, None),
    ],
    "core.invoice_line": [(1, "300.10"), (1, "-20.05"), (None, "5000.00")],
    "core.costed_activity": [
        known("encounter", ("R10", "2221", "T11", ""), "doctor", "N-doctor"),
        known("encounter", ("R50", "2221", "T11", ""), "call", "N-call"),
        known("encounter", ("R99", "2221", "T11", ""), None, "N-none"),
        known("service_period", ("home_care", "", "elderly", ""), "home_care", "N-care"),
        known("service_period", ("support_services", "", "elderly", ""), "support", "N-sup"),
        known("hospital_episode", ("outpatient_visit", "somatic", "", ""), "hosp", "N-hosp"),
    ],
    "core.unit_cost": [
        price("own", "doctor", "visit", "104.35"),
        price("national", "N-doctor", "visit", "99.00"),
        price("national", "N-call", "contact", "21.00"),
        price("own", "home_care", "hour", "47.00"),
        price("national", "N-sup", "month", "165.00"),
        price("own", "hosp", "visit", "250.00"),
    ],
}


def test_invoiced_before_own_before_national_before_none(cost: Bench) -> None:
    rows = cost.run(EVENTS_AND_PRICES)
    found = {
        (r["event_kind_code"], r["event_id"]): (
            r["cost_source_code"],
            r["quantity"],
            r["cost_eur"],
        )
        for r in rows
    }
    euros = Decimal
    assert found == {
        ("encounter", 1): ("own", 1, euros("104.35")),
        ("encounter", 2): ("national", 1, euros("21.00")),
        ("encounter", 3): ("none", None, None),
        # 0.0350 h x 47.00 = 1.6450: half up.
        ("service_period", 1): ("own", euros("0.0350"), euros("1.65")),
        ("service_period", 2): ("none", None, None),
        # 15 of 31 days are 0.4839 of a month.
        ("service_period", 3): ("national", euros("0.4839"), euros("79.84")),
        ("hospital_episode", 1): ("invoiced", 1, euros("280.05")),
        ("hospital_episode", 2): ("own", 1, euros("250.00")),
    }


def test_every_act_with_a_unit_cost_has_a_class() -> None:
    """Or its events would be costed nationally and belong nowhere."""
    named = {(row[1], row[2]) for row in rulebook("costed_event")}
    for _, kind, first, *_ in rulebook("unit_cost_match"):
        if kind != "encounter":
            assert (kind, first) in named
