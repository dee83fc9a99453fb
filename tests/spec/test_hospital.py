"""Specialised care, its bills and national unit costs, by scenarios worked by hand.

Here: what stands in core, what waits, and what a credit note takes off. Not here: which version of
a row is in force (`tests/pipeline`).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.support.models import Bench, bench

EPISODE = (
    "episode_id bigint, person_id bigint, unit_code varchar, episode_kind_code varchar,"
    " speciality_code varchar, urgency_code varchar, started_at timestamp, ended_at timestamp,"
    " referral_id bigint, drg_code varchar, icd10_code varchar, discharge_code varchar,"
    " delivery_sequence bigint, record_number bigint"
)
LINE = (
    "invoice_id bigint, invoice_line_number integer, episode_id bigint, person_id bigint,"
    " unit_code varchar, speciality_code varchar, invoiced_date date, service_date date,"
    " product_code varchar, quantity decimal(18,2), amount_eur decimal(18,2), is_credit boolean,"
    " credited_invoice_id bigint, delivery_sequence bigint, record_number bigint"
)
COST = (
    "unit_cost_code varchar, unit_cost_name varchar, service_name varchar, cost_unit_code varchar,"
    " cost_eur decimal(18,2), price_year integer, delivery_sequence bigint"
)
ALIAS = "alias_person_id bigint, person_id bigint"
WHERE_FROM = "delivery_sequence bigint, record_number bigint"
WAITS_FOR = {
    "core.site": "site_id varchar",
    "core.encounter": "encounter_id bigint",
    "core.referral": "referral_id bigint",
    "core.hospital_episode": "episode_id bigint",
    "current.encounters": "site_id varchar, delivery_sequence bigint, record_number bigint",
    "current.diagnoses": "encounter_id bigint, delivery_sequence bigint, record_number bigint",
    "current.procedures": "encounter_id bigint, delivery_sequence bigint, record_number bigint",
    "current.enrolments": "site_id varchar, delivery_sequence bigint, record_number bigint",
    "current.specialised_care": EPISODE,
    "current.invoices": LINE,
    "core.ledger_entry": "voucher_number bigint, line_number integer",
    "core.flag": "flag_id varchar",
    "core.provider": "provider_id varchar",
    "current.general_ledger": (
        f"voucher_number bigint, line_number integer, service_class_code varchar, {WHERE_FROM}"
    ),
    "current.flags": f"site_id varchar, {WHERE_FROM}",
    "current.corrective_actions": f"flag_id varchar, {WHERE_FROM}",
    "current.experience": f"site_id varchar, {WHERE_FROM}",
    "current.staff_survey": f"provider_id varchar, {WHERE_FROM}",
    "current.indicators": f"provider_id varchar, {WHERE_FROM}",
    "current.staff": f"provider_id varchar, {WHERE_FROM}",
}


@pytest.fixture(scope="module")
def episodes() -> Bench:
    tables = {
        "current.specialised_care": EPISODE,
        "core.person_alias": ALIAS,
        "core.referral": "referral_id bigint, sent_at timestamp",
    }
    return bench("core.hospital_episode", tables)


@pytest.fixture(scope="module")
def bills() -> Bench:
    tables = {
        "current.invoices": LINE,
        "core.person_alias": ALIAS,
        "core.hospital_episode": "episode_id bigint",
    }
    return bench("core.invoice_line", tables)


@pytest.fixture(scope="module")
def waiting() -> Bench:
    return bench("core.unresolved", WAITS_FOR)


@pytest.fixture(scope="module")
def costs() -> Bench:
    return bench("core.national_unit_cost", {"effective.unit_costs": COST})


def episode(number: int, started: datetime, ended: datetime | None, **others: Any) -> Any:
    row = {
        "person_id": 7,
        "unit_code": "HUS-HYV",
        "kind": "inpatient_stay",
        "speciality": "10",
        "referral_id": None,
        "record_number": number,
    } | others
    head = (number, row["person_id"], row["unit_code"], row["kind"], row["speciality"], "3")
    tail = ("127", "I500", "home", 201703, row["record_number"])
    return (*head, started, ended, row["referral_id"], *tail)


def line(invoice: int, number: int, euros: str, **others: Any) -> Any:
    row = {"episode_id": 1, "person_id": 7, "credited": None, "day": date(2017, 4, 5)} | others
    head = (invoice, number, row["episode_id"], row["person_id"], "HUS-HYV", "10")
    amount = (Decimal(1), Decimal(euros), row["credited"] is not None, row["credited"])
    return (*head, row["day"], date(2017, 3, 4), "DRG-127", *amount, 201704, 10 * invoice + number)


# Episodes.


def test_a_stay_is_dated_in_helsinki_and_counts_its_nights(episodes: Bench) -> None:
    """From 1 March 0.30 to 4 March 13.00, Helsinki; in UTC it begins in February."""
    stay = episode(1, datetime(2017, 2, 28, 22, 30), datetime(2017, 3, 4, 11))
    (row,) = episodes.run({"current.specialised_care": [stay]})
    assert row["episode_date"] == date(2017, 3, 1)
    assert row["episode_month"] == date(2017, 3, 1)
    assert row["stay_days"] == 3


def test_a_stay_that_goes_on_and_a_visit_have_no_nights(episodes: Bench) -> None:
    rows = episodes.run(
        {
            "current.specialised_care": [
                episode(1, datetime(2017, 3, 1, 9), None),
                episode(
                    2, datetime(2017, 3, 1, 9), datetime(2017, 3, 1, 10), kind="outpatient_visit"
                ),
            ]
        }
    )
    assert [row["stay_days"] for row in rows] == [None, None]


@pytest.mark.parametrize(
    ("speciality", "due"), [("70", True), ("75", True), ("77", False), ("10", False)]
)
def test_psychiatry_is_told_by_speciality(episodes: Bench, speciality: str, due: bool) -> None:
    stay = episode(1, datetime(2017, 3, 1, 9), None, speciality=speciality)
    (row,) = episodes.run({"current.specialised_care": [stay]})
    assert row["is_psychiatric"] is due


def test_care_joins_its_referral_and_waits_where_that_is_missing(episodes: Bench) -> None:
    began = datetime(2017, 3, 1, 9)
    rows = episodes.run(
        {
            "current.specialised_care": [
                episode(1, began, None),
                episode(2, began, None, referral_id=50),
                episode(3, began, None, referral_id=51),
            ],
            "core.referral": [(50, datetime(2017, 1, 30, 10))],
        }
    )
    assert {r["episode_id"]: r["referral_wait_days"] for r in rows} == {1: None, 2: 30}


def test_a_former_code_is_its_persons(episodes: Bench) -> None:
    stay = episode(1, datetime(2017, 3, 1, 9), None)
    tables = {"current.specialised_care": [stay], "core.person_alias": [(7, 8)]}
    (row,) = episodes.run(tables)
    assert row["person_id"] == 8


# Bills.


def net(rows: list[dict[str, Any]]) -> dict[tuple[int, int], Decimal]:
    return {(r["invoice_id"], r["invoice_line_number"]): r["net_amount_eur"] for r in rows}


def test_a_credit_note_is_taken_off_the_line_that_it_credits(bills: Bench) -> None:
    """3 300.00 and 38.00 billed, the first credited in May and billed again as 2 970.00."""
    rows = bills.run(
        {
            "current.invoices": [
                line(100, 1, "3300.00"),
                line(100, 2, "38.00"),
                line(200, 1, "-3300.00", credited=100, day=date(2017, 5, 9)),
                line(201, 1, "2970.00", day=date(2017, 5, 9)),
            ],
            "core.hospital_episode": [(1,)],
        }
    )
    assert net(rows) == {
        (100, 1): Decimal("0.00"),
        (100, 2): Decimal("38.00"),
        (200, 1): Decimal("0.00"),
        (201, 1): Decimal("2970.00"),
    }
    assert sum(r["amount_eur"] for r in rows) == sum(net(rows).values()) == Decimal("3008.00")
    note = next(r for r in rows if r["is_credit"])
    assert note["credited_invoiced_date"] == date(2017, 4, 5)
    assert note["invoice_month"] == date(2017, 5, 1)


def test_a_line_credited_twice_loses_both(bills: Bench) -> None:
    rows = bills.run(
        {
            "current.invoices": [
                line(100, 1, "100.00"),
                line(200, 1, "-30.25", credited=100),
                line(201, 1, "-20.50", credited=100),
            ],
            "core.hospital_episode": [(1,)],
        }
    )
    assert net(rows)[100, 1] == Decimal("49.25")


def test_a_line_that_bills_no_episode_stands_by_itself(bills: Bench) -> None:
    readiness = line(300, 1, "4500.00", episode_id=None, person_id=None)
    (row,) = bills.run({"current.invoices": [readiness]})
    assert (row["episode_id"], row["person_id"]) == (None, None)
    assert row["net_amount_eur"] == Decimal("4500.00")


BROKEN = {
    "an episode that is not there": (
        [line(100, 1, "10.00", episode_id=9)],
        {(100, 1): "episode_id"},
    ),
    "a credit note of an invoice that is not there": (
        [line(200, 1, "-10.00", credited=100)],
        {(200, 1): "credited_invoice_id"},
    ),
    "of a line that is not there": (
        [line(100, 1, "10.00"), line(200, 2, "-10.00", credited=100)],
        {(200, 2): "credited_invoice_id"},
    ),
    "of another episode's line": (
        [line(100, 1, "10.00"), line(200, 1, "-10.00", credited=100, episode_id=2)],
        {(200, 1): "credited_invoice_id"},
    ),
    "of a credit note": (
        [
            line(100, 1, "10.00"),
            line(200, 1, "-10.00", credited=100),
            line(201, 1, "-10.00", credited=200),
        ],
        {(201, 1): "credited_invoice_id"},
    ),
    "of a line that waits itself": (
        [line(100, 1, "10.00", episode_id=9), line(200, 1, "-10.00", credited=100, episode_id=9)],
        {(100, 1): "episode_id", (200, 1): "episode_id"},
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_cannot_be_resolved_waits_and_is_counted_once(
    bills: Bench, waiting: Bench, what: str
) -> None:
    lines, due = BROKEN[what]
    tables = {"current.invoices": lines, "core.hospital_episode": [(1,), (2,)]}
    standing = {(r["invoice_id"], r["invoice_line_number"]) for r in bills.run(tables)}
    counted = {
        (r["record_number"] // 10, r["record_number"] % 10): r["reference"]
        for r in waiting.run(tables)
        if r["table_name"] == "invoices"
    }
    assert counted == due
    assert standing == {(row[0], row[1]) for row in lines} - set(due)


def test_an_episode_that_waits_is_counted(waiting: Bench) -> None:
    began = datetime(2017, 3, 1, 9)
    rows = waiting.run(
        {
            "current.specialised_care": [
                episode(1, began, None),
                episode(2, began, None, referral_id=50),
                episode(3, began, None, referral_id=51),
            ],
            "core.referral": [(50,)],
        }
    )
    assert [(r["table_name"], r["record_number"], r["reference"]) for r in rows] == [
        ("specialised_care", 3, "referral_id")
    ]


# Unit costs.


def cost(code: str, euros: str, year: int, sequence: int) -> Any:
    return (code, "Käynti", "Avohoito", "visit", Decimal(euros), year, sequence)


def test_a_unit_cost_holds_until_the_next_price_year_that_is_stated(costs: Bench) -> None:
    """2018 is not stated; 2019's list restates 2017."""
    rows = costs.run(
        {
            "effective.unit_costs": [
                cost("PTH-R10-2221", "104.00", 2017, 2017),
                cost("PTH-R10-2221", "105.50", 2017, 2019),
                cost("PTH-R10-2221", "107.78", 2019, 2020),
                cost("SUU-SAA02", "76.00", 2017, 2017),
            ]
        }
    )
    found = {
        (r["unit_cost_code"], r["valid_from_date"]): (r["cost_eur"], r["valid_to_date"])
        for r in rows
    }
    assert found == {
        ("PTH-R10-2221", date(2017, 1, 1)): (Decimal("105.50"), date(2019, 1, 1)),
        ("PTH-R10-2221", date(2019, 1, 1)): (Decimal("107.78"), None),
        ("SUU-SAA02", date(2017, 1, 1)): (Decimal("76.00"), None),
    }
