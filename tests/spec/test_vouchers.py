"""What becomes of budgets, prices, providers and lines of the voucher ledger, by scenario.

Here: each core model over a few rows worked by hand. Not here: which rows are in force
(`tests/pipeline`), what a plausible ledger looks like (`tests/unit/test_synthetic_vouchers`).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.support.models import Bench, Table, bench

ALIAS = "alias_person_id bigint, person_id bigint"
JAN, FEB, MAR, APR = 201701, 201702, 201703, 201704
NEW_YEAR = date(2018, 1, 1)


# Providers and decisions: what was known when.


PROVIDER = (
    "voucher_provider_id varchar, business_id varchar, provider_name varchar, sector_code varchar,"
    " service_codes varchar, approved_from_date date, approved_to_date date,"
    " facilitator_provider_id varchar, municipality_code varchar, language_codes varchar,"
    " delivery_sequence bigint, record_number bigint"
)


def provider(sequence: int, *, until: date | None = None, services: str = "cleaning") -> Any:
    dates = (date(2017, 1, 1), until)
    return ("PT1", "1-1", "Apu", "private", services, *dates, None, "106", "fi", sequence, 1)


def spans(rows: list[dict[str, Any]], *columns: str) -> list[tuple[Any, ...]]:
    """These columns and the span of deliveries of each row, in the order of knowing."""
    ordered = sorted(rows, key=lambda row: row["known_from_seq"])
    return [tuple(r[c] for c in (*columns, "known_from_seq", "known_to_seq")) for r in ordered]


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        ([provider(JAN)], [(None, JAN, None)]),
        ([provider(JAN), provider(FEB)], [(None, JAN, None)]),  # sent again: nothing new
        (
            [provider(JAN), provider(MAR, until=date(2017, 3, 15))],
            [(None, JAN, MAR), (date(2017, 3, 15), MAR, None)],
        ),
        (
            [provider(JAN), provider(FEB, until=NEW_YEAR), provider(APR)],  # withdrawn by mistake
            [(None, JAN, FEB), (NEW_YEAR, FEB, APR), (None, APR, None)],
        ),
    ],
)
def test_what_is_known_of_a_provider_holds_until_another_word(
    sent: list[Any], known: list[Any]
) -> None:
    model = bench("core.voucher_provider", {"effective.providers": PROVIDER})
    assert spans(model.run({"effective.providers": sent}), "valid_to_date") == known


BUDGET = (
    "budget_decision_id bigint, person_id bigint, budget_group_code varchar, service_code varchar,"
    " hb_class_code varchar, granted_eur decimal(18,2), valid_from_date date, valid_to_date date,"
    " decided_date date, appeal_end_date date, decision_maker_code varchar,"
    " budget_state_code varchar, termination_reason_code varchar, updated_at timestamp,"
    " delivery_sequence bigint, record_number bigint"
)


def budget(sequence: int, granted: str, state: str = "in_force", *, saved: int = 1) -> Any:
    start, decided = date(2017, 1, 1), date(2016, 12, 10)
    told = ("cleaning", "2", Decimal(granted), start, NEW_YEAR, decided, date(2017, 1, 16))
    return (5, 7, "1", *told, "VH1000", state, None, datetime(2017, 1, saved), sequence, 1)


def decisions(sent: list[Any], alias: Table = ()) -> list[dict[str, Any]]:
    model = bench("core.budget_decision", {"effective.budgets": BUDGET, "core.person_alias": ALIAS})
    return model.run({"effective.budgets": sent, "core.person_alias": alias})


def test_a_change_takes_the_place_of_the_decision_from_its_delivery_on() -> None:
    sent = [budget(JAN, "600"), budget(FEB, "600"), budget(MAR, "900", "changed", saved=3)]
    assert spans(decisions(sent), "granted_eur", "budget_state_code") == [
        (Decimal(600), "in_force", JAN, MAR),
        (Decimal(900), "changed", MAR, None),
    ]


def test_a_version_older_by_its_own_time_never_becomes_known() -> None:
    sent = [budget(JAN, "900", "changed", saved=9), budget(FEB, "600", saved=2)]
    assert spans(decisions(sent), "granted_eur") == [(Decimal(900), JAN, None)]


def test_a_decision_is_the_persons_whatever_the_code() -> None:
    (row,) = decisions([budget(JAN, "600")], [(7, 70)])
    assert row["person_id"] == 70


# Prices: what holds on a day, as known by a delivery.


PRICE = (
    "price_id bigint, voucher_provider_id varchar, service_code varchar, unit_code varchar,"
    " unit_price_eur decimal(18,2), vat_code varchar, vat_pct decimal(4,1), valid_from_date date,"
    " valid_to_date date, delivery_sequence bigint, record_number bigint"
)


def price(
    number: int, sequence: int, euros: str, since: date, until: date | None = None, **others: str
) -> Any:
    service = others.get("service", "cleaning")
    told = ("PT1", service, "hour", Decimal(euros), "standard", Decimal(24))
    return (number, *told, since, until, sequence, number)


def prices(sent: list[Any]) -> list[tuple[Any, ...]]:
    model = bench("core.service_price", {"effective.service_prices": PRICE})
    rows = model.run({"effective.service_prices": sent})
    columns = ("price_id", "unit_price_eur", "valid_to_date", "known_from_seq", "known_to_seq")
    return sorted((tuple(r[c] for c in columns) for r in rows), key=lambda r: (r[3], r[0]))


def test_a_later_price_ends_the_earlier_one_from_when_it_is_known() -> None:
    since, rise = date(2017, 1, 1), date(2017, 7, 1)
    assert prices([price(1, JAN, "30", since), price(2, MAR, "31", rise)]) == [
        (1, Decimal(30), None, JAN, MAR),
        (1, Decimal(30), rise, MAR, None),
        (2, Decimal(31), None, MAR, None),
    ]


def test_a_price_that_is_closed_expressly_leaves_a_gap_if_the_next_begins_later() -> None:
    since, closed, rise = date(2017, 1, 1), date(2017, 6, 1), date(2017, 7, 1)
    sent = [price(1, JAN, "30", since, closed), price(2, JAN, "31", rise)]
    assert prices(sent) == [
        (1, Decimal(30), closed, JAN, None),
        (2, Decimal(31), None, JAN, None),
    ]


def test_prices_of_other_services_do_not_end_each_other() -> None:
    since = date(2017, 1, 1)
    sent = [price(1, JAN, "30", since), price(2, JAN, "40", since, service="home_care")]
    assert [row[2] for row in prices(sent)] == [None, None]


def test_a_price_mended_back_is_known_again_as_it_was() -> None:
    since = date(2017, 1, 1)
    sent = [price(1, s, e, since) for s, e in ((JAN, "30"), (FEB, "300"), (MAR, "30"))]
    assert prices(sent) == [
        (1, Decimal(30), None, JAN, FEB),
        (1, Decimal(300), None, FEB, MAR),
        (1, Decimal(30), None, MAR, None),
    ]


# Lines of the ledger.


LINE = (
    "transaction_id bigint, person_id bigint, budget_decision_id bigint,"
    " voucher_provider_id varchar, service_code varchar, unit_code varchar,"
    " quantity decimal(10,2), unit_price_eur decimal(18,2), amount_eur decimal(18,2),"
    " client_share_eur decimal(18,2), transaction_kind_code varchar,"
    " refers_to_transaction_id bigint, service_date date, booked_at timestamp,"
    " updated_at timestamp, delivery_sequence bigint, record_number bigint"
)
KNOWN = "known_from_seq bigint, known_to_seq bigint"
CORE = {
    "current.transactions": LINE,
    "core.person_alias": ALIAS,
    "core.budget_decision": (
        "budget_decision_id bigint, person_id bigint, service_code varchar, valid_from_date date,"
        f" valid_to_date date, {KNOWN}"
    ),
    "core.voucher_provider": (
        "voucher_provider_id varchar, service_codes varchar, valid_from_date date,"
        f" valid_to_date date, {KNOWN}"
    ),
    "core.service_price": (
        "voucher_provider_id varchar, service_code varchar, unit_code varchar,"
        f" unit_price_eur decimal(18,2), valid_from_date date, valid_to_date date, {KNOWN}"
    ),
}
MENU: dict[str, Table] = {
    "core.budget_decision": [
        (5, 7, "cleaning", date(2017, 1, 1), date(2017, 6, 1), MAR, None),
        (5, 7, "cleaning", date(2017, 1, 1), NEW_YEAR, JAN, MAR),  # no longer believed
    ],
    "core.voucher_provider": [
        ("PT1", "cleaning,home_care", date(2017, 1, 1), date(2017, 9, 1), JAN, None),
        ("PT2", "home_care", date(2017, 1, 1), None, JAN, None),
    ],
    "core.service_price": [
        ("PT1", "cleaning", "hour", Decimal(30), date(2017, 1, 1), date(2017, 3, 1), JAN, None),
        ("PT1", "cleaning", "hour", Decimal(31), date(2017, 3, 1), None, JAN, None),
    ],
}


def line(number: int, **others: Any) -> Any:
    """A payment of 60 euros for two hours on 10 January, in order unless told otherwise."""
    row = {
        "transaction_id": number,
        "person_id": 7,
        "budget_decision_id": 5,
        "voucher_provider_id": "PT1",
        "service_code": "cleaning",
        "unit_code": "hour",
        "quantity": Decimal(2),
        "unit_price_eur": Decimal(30),
        "amount_eur": Decimal(60),
        "client_share_eur": Decimal(0),
        "transaction_kind_code": "payment",
        "refers_to_transaction_id": None,
        "service_date": date(2017, 1, 10),
        "booked_at": datetime(2017, 1, 12, 10),
        "updated_at": datetime(2017, 1, 12, 10),
        "delivery_sequence": JAN,
        "record_number": number,
    }
    assert others.keys() <= row.keys()
    return tuple((row | others).values())


@pytest.fixture(scope="module")
def ledger() -> Bench:
    return bench("core.voucher_transaction", CORE)


def booked(ledger: Bench, *lines: Any, **tables: Table) -> list[dict[str, Any]]:
    return ledger.run({**MENU, "current.transactions": lines, **tables})


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({}, "matched"),
        ({"budget_decision_id": None}, "none"),
        ({"budget_decision_id": 99}, "unknown"),
        ({"person_id": 8}, "other_person"),
        ({"service_code": "home_care"}, "other_service"),
        ({"service_date": date(2016, 12, 31)}, "outside_dates"),
        ({"service_date": date(2017, 5, 31)}, "matched"),
        ({"service_date": date(2017, 6, 1)}, "outside_dates"),  # as known now, not as in January
    ],
)
def test_every_line_is_kept_and_says_how_it_stands_to_its_budget(
    ledger: Bench, change: dict[str, Any], match: str
) -> None:
    (row,) = booked(ledger, line(1, **change))
    assert (row["budget_match_code"], row["amount_eur"]) == (match, Decimal(60))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({}, "approved"),
        ({"voucher_provider_id": "PT9"}, "unknown"),
        ({"voucher_provider_id": "PT2"}, "other_service"),
        ({"service_code": "care"}, "other_service"),  # a part of a code is no code
        ({"service_code": "clean_ng"}, "other_service"),  # nor is an underscore any letter
        ({"service_date": date(2016, 12, 31)}, "not_approved"),
        ({"service_date": date(2017, 9, 1)}, "not_approved"),
        ({"voucher_provider_id": None}, "hidden"),
    ],
)
def test_every_line_says_how_its_provider_stands(
    ledger: Bench, change: dict[str, Any], match: str
) -> None:
    (row,) = booked(ledger, line(1, **change))
    assert row["provider_match_code"] == match


@pytest.mark.parametrize(
    ("charged", "day", "agreed", "is_above"),
    [
        ("30", date(2017, 1, 10), "30", False),
        ("30.01", date(2017, 2, 28), "30", True),
        ("31", date(2017, 3, 1), "31", False),
        ("29", date(2017, 3, 1), "31", False),
        ("30", date(2016, 12, 31), None, None),
    ],
)
def test_the_price_agreed_for_the_day_of_service_is_the_measure(
    ledger: Bench, charged: str, day: date, agreed: str | None, is_above: bool | None
) -> None:
    (row,) = booked(ledger, line(1, unit_price_eur=Decimal(charged), service_date=day))
    assert row["agreed_price_eur"] == (None if agreed is None else Decimal(agreed))
    assert row["is_above_agreed_price"] is is_above


def test_a_reversal_is_tied_to_what_it_reverses_and_both_stay(ledger: Bench) -> None:
    back = {"transaction_kind_code": "reversal", "amount_eur": Decimal(-60)}
    rows = booked(
        ledger,
        line(1),
        line(2, **back, refers_to_transaction_id=1),
        line(3, **back, refers_to_transaction_id=99),
        line(4, **back, refers_to_transaction_id=1, person_id=8),
        line(5),
    )
    found = {r["transaction_id"]: (r["is_reversed"], r["reference_match_code"]) for r in rows}
    assert found == {
        1: (True, None),
        2: (False, "found"),
        3: (False, "unknown"),
        4: (False, "other_person"),
        5: (False, None),
    }
    assert sum(r["amount_eur"] for r in rows) == Decimal(-60)


def test_a_line_is_its_persons_under_another_code_too(ledger: Bench) -> None:
    alias = {"core.person_alias": [(70, 7)]}
    back = {"transaction_kind_code": "return", "refers_to_transaction_id": 1}
    rows = booked(ledger, line(1), line(2, person_id=70, **back), **alias)
    found = [(r["person_id"], r["budget_match_code"]) for r in rows]
    assert found == [(7, "matched"), (7, "matched")]
    assert {r["reference_match_code"] for r in rows} == {None, "found"}


def test_a_line_booked_on_new_years_eve_in_utc_is_of_the_next_month_in_helsinki(
    ledger: Bench,
) -> None:
    (row,) = booked(ledger, line(1, booked_at=datetime(2017, 1, 31, 22, 30)))
    assert (row["booked_date"], row["booked_month"]) == (date(2017, 2, 1), date(2017, 2, 1))


# The sender's own totals.


STATEMENT = (
    "month_start_date date, transaction_kind_code varchar, transaction_count integer,"
    " amount_eur decimal(18,2), client_share_eur decimal(18,2), updated_at timestamp,"
    " delivery_sequence bigint, record_number bigint"
)
BOOKED = (
    "transaction_id bigint, booked_month date, transaction_kind_code varchar,"
    " amount_eur decimal(18,2), client_share_eur decimal(18,2)"
)
MONTH = date(2017, 1, 1)


@pytest.mark.parametrize(
    ("count", "euros", "share", "is_reconciled", "difference"),
    [
        (2, "100.10", "5.00", True, "0"),
        (2, "100.11", "5.00", False, "0.01"),
        (3, "100.10", "5.00", False, "0"),
        (2, "100.10", "5.01", False, "0"),
        (2, "100.09", "5.00", False, "-0.01"),
    ],
)
def test_lines_add_up_to_the_statement_to_the_cent_or_it_shows(
    count: int, euros: str, share: str, is_reconciled: bool, difference: str
) -> None:
    model = bench(
        "core.voucher_statement",
        {"current.statements": STATEMENT, "core.voucher_transaction": BOOKED},
    )
    stated = (MONTH, "payment", count, Decimal(euros), Decimal(share), datetime(2017, 2, 1), JAN, 1)
    lines = [
        (1, MONTH, "payment", Decimal("60.05"), Decimal("5.00")),
        (2, MONTH, "payment", Decimal("40.05"), Decimal(0)),
    ]
    (row,) = model.run({"current.statements": [stated], "core.voucher_transaction": lines})
    assert row["is_reconciled"] is is_reconciled
    assert row["difference_eur"] == Decimal(difference)
    assert (row["booked_count"], row["booked_eur"]) == (2, Decimal("100.10"))


def test_what_one_side_alone_knows_is_not_reconciled_but_nothing_is() -> None:
    model = bench(
        "core.voucher_statement",
        {"current.statements": STATEMENT, "core.voucher_transaction": BOOKED},
    )
    drawn = datetime(2017, 2, 1)
    rows = model.run(
        {
            "current.statements": [
                (MONTH, "return", 0, Decimal(0), Decimal(0), drawn, JAN, 1),
                (MONTH, "reversal", 1, Decimal(-5), Decimal(0), drawn, JAN, 2),
            ],
            "core.voucher_transaction": [(1, MONTH, "payment", Decimal(60), Decimal(0))],
        }
    )
    found = {r["transaction_kind_code"]: (r["is_reconciled"], r["stated_count"]) for r in rows}
    assert found == {"return": (True, 0), "reversal": (False, 1), "payment": (False, None)}
