"""What the enrolled used elsewhere, and what was paid for twice, by hand.

Here: the two marts and the core table below them. Not here: payments (`test_settlement`).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.support.models import Bench, bench

MAY = date(2017, 5, 1)
NINTH = date(2017, 5, 9)
COST = (
    "event_kind_code varchar, event_id bigint, person_id bigint, event_date date, cost_month date,"
    " costed_service_code varchar, package_class_code varchar, cost_source_code varchar,"
    " cost_eur decimal(18,2)"
)


@pytest.fixture(scope="module")
def elsewhere() -> Bench:
    return bench(
        "mart.out_of_list_use",
        {
            "core.cost": COST,
            "core.encounter": "encounter_id bigint, encounter_month date, site_id varchar",
            "core.procedure": "procedure_id bigint, procedure_month date, site_id varchar",
            "core.enrolment": "person_id bigint, service_code varchar, provider_id varchar,"
            " valid_from_date date, valid_to_date date, known_to_seq bigint,"
            " is_ended_by_next boolean",
            "core.site": "site_id varchar, provider_id varchar, sector_code varchar,"
            " service_code varchar, valid_from_date date, valid_to_date date",
            "rulebook.capitation_payer": "valid_from_date date, service_code varchar,"
            " rulebook_id varchar",
            "rulebook.capitation_scheme": "valid_from_date date, rulebook_id varchar,"
            " choice_delay_days integer",
            "rulebook.capitation_basket": "valid_from_date date, rulebook_id varchar,"
            " package_class_code varchar",
        },
    )


def visit(number: int, person: int = 1, day: date = NINTH, package: str = "P01") -> tuple[Any, ...]:
    return ("encounter", number, person, day, MAY, "visit", package, "own", Decimal("40.00"))


def site(name: str, provider: str, sector: str, service: str = "reception") -> tuple[Any, ...]:
    return (name, provider, sector, service, date(2009, 1, 1), None)


def test_use_elsewhere_is_told_by_reason(elsewhere: Bench) -> None:
    rows = elsewhere.run(
        {
            "core.cost": [
                visit(1),
                visit(2),
                visit(3),
                visit(4),
                visit(5),
                visit(6, package="P10"),
                visit(7, person=2),
                visit(8, day=date(2017, 5, 2)),
            ],
            "core.encounter": [
                (n, MAY, s)
                for n, s in enumerate(("S1", "S2", "M1", "E1", None, "M1", "M1", "M1"), start=1)
            ],
            "core.enrolment": [(1, "reception", "P1", date(2017, 5, 5), None, None, False)],
            "core.site": [
                site("S1", "P1", "private"),
                site("S2", "P2", "private"),
                site("M1", "M", "public"),
                site("E1", "H", "public", "emergency"),
            ],
            "rulebook.capitation_payer": [(MAY, "reception", "R")],
            "rulebook.capitation_scheme": [(MAY, "R", 0)],
            "rulebook.capitation_basket": [(MAY, "R", "P01")],
        }
    )
    assert {
        (r["provider_id"], r["reason_code"], r["event_count"], r["cost_eur"]) for r in rows
    } == {
        ("P1", "other_provider", 1, Decimal("40.00")),
        ("P1", "public_station", 1, Decimal("40.00")),
        ("P1", "emergency", 1, Decimal("40.00")),
        ("P1", "place_not_known", 1, Decimal("40.00")),
    }


def test_a_list_is_one_by_the_scheme_that_pays_in_the_month(elsewhere: Bench) -> None:
    """R lets choices wait, R2 pays from June on; R has a later version, which pays nobody."""
    june = date(2017, 6, 1)
    visits = [visit(n, person=n, day=date(2017, 5, 20)) for n in (1, 2)]
    later = visit(3, person=2, day=date(2017, 6, 2))
    rows = elsewhere.run(
        {
            "core.cost": [*visits, (*later[:4], june, *later[5:])],
            "core.encounter": [(1, MAY, "M1"), (2, MAY, "M1"), (3, june, "M1")],
            "core.enrolment": [
                (1, "reception", "P1", date(2017, 1, 1), date(2017, 5, 15), None, True),
                (2, "reception", "P1", date(2017, 1, 1), date(2017, 5, 15), None, False),
                (2, "reception", "P2", date(2017, 6, 1), None, None, False),
            ],
            "core.site": [site("M1", "M", "public")],
            "rulebook.capitation_payer": [(MAY, "reception", "R"), (june, "reception", "R2")],
            "rulebook.capitation_scheme": [(MAY, "R", 10), (june, "R", 10), (june, "R2", 0)],
            "rulebook.capitation_basket": [
                (MAY, "R", "P01"),
                (june, "R", "P01"),
                (june, "R2", "P01"),
            ],
        }
    )
    assert [(r["use_month"], r["provider_id"], r["event_count"]) for r in rows] == [
        (MAY, "P1", 1),
        (june, "P2", 1),
    ]


@pytest.fixture(scope="module")
def twice() -> Bench:
    return bench(
        "core.doubly_paid_day",
        {
            "core.cost": COST,
            "core.voucher_transaction": "person_id bigint, service_code varchar,"
            " service_date date, transaction_kind_code varchar, is_reversed boolean,"
            " amount_eur decimal(18,2)",
            "core.service_period_month": "service_period_id bigint, service_month date,"
            " service_date date, service_days bigint",
            "rulebook.paid_service": "valid_from_date date, payment_way_code varchar,"
            " service_code varchar, paid_service_code varchar",
        },
    )


MATCHES = [
    (date(2000, 1, 1), *row)
    for row in (
        ("voucher", "home_care", "home_care"),
        ("voucher", "therapy", "therapy"),
        ("own", "home_care", "home_care"),
        ("own", "psychologist_visit", "therapy"),
        ("invoice", "psychiatric_visit", "therapy"),
    )
]


def voucher(person: int, service: str, day: date = NINTH, **others: Any) -> tuple[Any, ...]:
    row = {"kind": "payment", "is_reversed": False, "amount": Decimal("30.00")} | others
    return (person, service, day, row["kind"], row["is_reversed"], row["amount"])


def test_a_day_paid_for_in_two_ways_is_found(twice: Bench) -> None:
    therapy = ("therapy", NINTH)
    rows = twice.run(
        {
            "rulebook.paid_service": MATCHES,
            "core.voucher_transaction": [
                voucher(1, "therapy"),
                voucher(2, "therapy", is_reversed=True),
                voucher(3, "therapy", kind="reservation"),
                voucher(4, "therapy", date(2017, 5, 10)),
                voucher(5, "home_care"),
            ],
            "core.cost": [
                ("encounter", n, n, NINTH, MAY, "psychologist_visit", "P04", "own", "90.00")
                for n in (1, 2, 3, 4, 6)
            ]
            + [
                ("hospital_episode", 7, 6, NINTH, MAY, "psychiatric_visit", "P13", "invoiced", 150),
                ("service_period", 8, 5, MAY, MAY, "home_care", "P08", "own", "310.00"),
            ],
            "core.service_period_month": [(8, MAY, MAY, 31)],
        }
    )
    found = {
        (r["person_id"], r["paid_service_code"], r["service_date"]): (
            r["voucher_eur"],
            r["own_eur"],
            r["invoice_eur"],
        )
        for r in rows
    }
    assert found == {
        (1, *therapy): (Decimal("30.00"), Decimal("90.00"), Decimal("0.00")),
        (6, *therapy): (Decimal("0.00"), Decimal("90.00"), Decimal("150.00")),
        (5, "home_care", NINTH): (Decimal("30.00"), Decimal("10.00"), Decimal("0.00")),
    }


def test_what_was_paid_twice_is_at_most_the_second_largest() -> None:
    mart = bench(
        "mart.double_payment",
        {
            "core.doubly_paid_day": "person_id bigint, paid_service_code varchar,"
            " service_date date, voucher_eur decimal(18,2), own_eur decimal(18,2),"
            " invoice_eur decimal(18,2)"
        },
    )
    (row,) = mart.run(
        {
            "core.doubly_paid_day": [
                (1, "therapy", NINTH, 30, 90, 0),
                (1, "therapy", MAY, 100, 90, 0),
            ]
        }
    )
    assert (row["day_count"], row["person_count"], row["doubled_eur"]) == (2, 1, Decimal("120.00"))
