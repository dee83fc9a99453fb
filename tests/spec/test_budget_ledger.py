"""The ledger of personal budgets and the worklist of its lines, worked by hand.

Here: decisions and lines in, balances and reasons out. Not here: that SQL and the rule in plain
Python say the same of any lines (`tests/property/test_budget_ledger`).
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.support.budgets import FEB, MAR, D, decision, delivered, ledger_chain, line
from tests.support.model_chain import Chain

JAN_12, FEB_3, FEB_20, MAR_7 = (
    date(2017, 1, 12),
    date(2017, 2, 3),
    date(2017, 2, 20),
    date(2017, 3, 7),
)
MARCH_END = date(2017, 3, 31)


@pytest.fixture(scope="module")
def ledger() -> Chain:
    return ledger_chain()


def balances(ledger: Chain, *lines: Any, decisions: Any = None, **tables: Any) -> list[Any]:
    """Month, granted, reserved, paid, returned, remaining, own share, of each account and month."""
    ledger.run(
        {
            "core.budget_decision": [decision(5, "600")] if decisions is None else decisions,
            "core.voucher_transaction": lines,
            "effective.delivery": delivered(MARCH_END),
            **tables,
        }
    )
    return ledger.rows(
        "select budget_decision_id, month(budget_month), granted_eur, reserved_eur, paid_eur,"
        " returned_eur, remaining_eur, client_share_eur from mart.personal_budget_ledger"
        " order by all"
    )


def of(number: int | None, month: int, figures: str) -> tuple[Any, ...]:
    return (number, month, *(D(figure) for figure in figures.split()))


def test_a_decision_opens_a_ledger_and_every_month_of_it_has_a_row(ledger: Chain) -> None:
    assert balances(ledger) == [of(5, m, "600 0 0 0 600 0") for m in (1, 2, 3)]


def test_no_decision_no_ledger(ledger: Chain) -> None:
    assert balances(ledger, decisions=[]) == []


def test_a_reservation_is_let_go_by_the_payment_that_redeems_it(ledger: Chain) -> None:
    """100 reserved in January; 90 paid of it in February; the ten left are the client's again."""
    reserved = line(1, "reservation", "100", JAN_12)
    paid = line(2, "payment", "90", FEB_3, refers_to_transaction_id=1, client_share_eur=D("5.50"))
    assert balances(ledger, reserved, paid) == [
        of(5, 1, "600 100 0 0 500 0"),
        of(5, 2, "600 0 90 0 510 5.50"),
        of(5, 3, "600 0 90 0 510 5.50"),
    ]


def test_a_second_payment_of_a_reservation_lets_nothing_more_go(ledger: Chain) -> None:
    reserved = line(1, "reservation", "100", JAN_12)
    paid = [
        line(n, "payment", "60", day, refers_to_transaction_id=1)
        for n, day in ((2, FEB_3), (3, MAR_7))
    ]
    assert balances(ledger, reserved, *paid)[1:] == [
        of(5, 2, "600 0 60 0 540 0"),
        of(5, 3, "600 0 120 0 480 0"),
    ]


def test_a_reversed_reservation_leaves_nothing(ledger: Chain) -> None:
    reserved = line(1, "reservation", "100", JAN_12)
    reversal = line(2, "reversal", "-100", FEB_3, refers_to_transaction_id=1)
    assert balances(ledger, reserved, reversal)[1] == of(5, 2, "600 0 0 0 600 0")


def test_a_corrected_reservation_is_let_go_with_its_correction(ledger: Chain) -> None:
    reserved = line(1, "reservation", "100", JAN_12)
    corrected = line(2, "correction", "-20", JAN_12, refers_to_transaction_id=1)
    paid = line(3, "payment", "80", FEB_3, refers_to_transaction_id=1)
    assert balances(ledger, reserved, corrected, paid)[:2] == [
        of(5, 1, "600 80 0 0 520 0"),
        of(5, 2, "600 0 80 0 520 0"),
    ]


@pytest.mark.parametrize(
    ("kind", "euros", "about", "due"),
    [
        ("return", "-40", None, "600 0 100 40 540 0"),
        ("correction", "-40", 1, "600 0 60 0 540 0"),
        ("reversal", "-100", 1, "600 0 0 0 600 0"),
        ("reversal", "-30", 99, "600 0 70 0 530 0"),  # of a line that is not there: money yet
    ],
)
def test_what_follows_a_payment(
    ledger: Chain, kind: str, euros: str, about: int | None, due: str
) -> None:
    paid = line(1, "payment", "100", JAN_12)
    match = "found" if about == 1 else "unknown" if about else None
    after = line(2, kind, euros, FEB_3, refers_to_transaction_id=about, reference_match_code=match)
    assert balances(ledger, paid, after)[1] == of(5, 2, due)


def test_a_reversed_return_is_no_return(ledger: Chain) -> None:
    lines = [
        line(1, "payment", "100", JAN_12),
        line(2, "return", "-40", FEB_3, refers_to_transaction_id=1),
        line(3, "reversal", "40", MAR_7, refers_to_transaction_id=2),
    ]
    assert balances(ledger, *lines)[1:] == [
        of(5, 2, "600 0 100 40 540 0"),
        of(5, 3, "600 0 100 0 500 0"),
    ]


def test_a_raise_counts_from_the_month_of_its_decision(ledger: Chain) -> None:
    raised = [
        decision(5, "600", known_to_seq=FEB),
        decision(5, "900", known_from_seq=FEB, decided_date=FEB_20),
    ]
    assert [row[2] for row in balances(ledger, decisions=raised)] == [D(600), D(900), D(900)]


def test_a_budget_that_ends_early_has_no_row_after_its_last_month(ledger: Chain) -> None:
    """Granted 600; the client dies on 20 February: what is granted falls to 84 as decided then."""
    ended = [
        decision(5, "600", known_to_seq=FEB),
        decision(5, "84", known_from_seq=FEB, decided_date=FEB_20, valid_to_date=date(2017, 2, 21)),
    ]
    assert balances(ledger, decisions=ended) == [
        of(5, 1, "600 0 0 0 600 0"),
        of(5, 2, "84 0 0 0 84 0"),
    ]


def test_a_line_without_a_budget_is_booked_beside_all_budgets(ledger: Chain) -> None:
    stray = line(1, "payment", "50", FEB_3, budget_decision_id=None, budget_match_code="none")
    rows = balances(ledger, stray)
    assert of(None, 2, "0 0 50 0 -50 0") in rows
    assert of(5, 2, "600 0 0 0 600 0") in rows


def test_a_decision_moved_to_another_client_moves_what_it_grants(ledger: Chain) -> None:
    moved = [
        decision(5, "600", known_to_seq=MAR),
        decision(5, "600", person_id=8, known_from_seq=MAR, decided_date=MAR_7),
    ]
    ledger.run({"core.budget_decision": moved, "effective.delivery": delivered(MARCH_END)})
    assert ledger.rows(
        "select person_id, month(budget_month), granted_eur from mart.personal_budget_ledger"
        " order by all"
    ) == [(7, 1, D(600)), (7, 2, D(600)), (7, 3, D(0)), (8, 3, D(600))]


def test_a_month_is_reconciled_when_all_its_kinds_are(ledger: Chain) -> None:
    """January agrees; of February one kind does not; of March the sender has said nothing."""
    stated = [(JAN_12.replace(day=1), True), (date(2017, 2, 1), True), (date(2017, 2, 1), False)]
    balances(ledger, **{"core.voucher_statement": stated})
    assert ledger.rows(
        "select month(budget_month), is_month_reconciled from mart.personal_budget_ledger"
        " order by all"
    ) == [(1, True), (2, False), (3, False)]


# The worklist.


def reasons(ledger: Chain, *lines: Any, **tables: Any) -> list[tuple[Any, ...]]:
    balances(ledger, *lines, **tables)
    return ledger.rows(
        "select transaction_id, reason_code, excess_eur from mart.voucher_worklist order by all"
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"budget_match_code": "none"}, "no_budget"),
        ({"budget_match_code": "unknown"}, "unknown_budget"),
        ({"budget_match_code": "other_person"}, "budget_of_other_person"),
        ({"budget_match_code": "other_service"}, "budget_of_other_service"),
        ({"budget_match_code": "outside_dates"}, "outside_dates"),
        ({"provider_match_code": "unknown"}, "unknown_provider"),
        ({"provider_match_code": "not_approved"}, "unapproved_provider"),
        ({"provider_match_code": "other_service"}, "unapproved_provider"),
        ({"agreed_price_eur": None, "is_above_agreed_price": None}, "no_agreed_price"),
        ({"reference_match_code": "unknown"}, "unknown_reference"),
        ({"reference_match_code": "other_person"}, "unknown_reference"),
    ],
)
def test_a_line_is_flagged_with_its_reason_and_entered_all_the_same(
    ledger: Chain, change: dict[str, Any], reason: str
) -> None:
    assert reasons(ledger, line(1, "payment", "30", FEB_3, **change)) == [(1, reason, None)]
    assert ledger.rows("select sum(paid_eur) from core.voucher_entry") == [(D(30),)]


def test_a_line_in_order_is_not_flagged(ledger: Chain) -> None:
    hidden = {"voucher_provider_id": None, "provider_match_code": "hidden"}
    lines = [
        line(1, "payment", "600", FEB_3),
        line(2, "payment", "0", FEB_3, agreed_price_eur=None, **hidden),
    ]
    assert reasons(ledger, *lines) == []


def test_a_price_above_the_agreed_one_tells_by_how_much(ledger: Chain) -> None:
    charged = {"quantity": D("2.50"), "unit_price_eur": D("31.01"), "is_above_agreed_price": True}
    assert reasons(ledger, line(1, "payment", "77.53", FEB_3, **charged)) == [
        (1, "above_agreed_price", D("2.53"))  # 2.5 x 1.01 = 2.525
    ]


def test_only_what_goes_beyond_the_budget_is_flagged_in_the_order_of_booking(
    ledger: Chain,
) -> None:
    """600: 500, then 130 (30 beyond), a return of 50, then 30 (10 beyond)."""
    lines = [
        line(4, "payment", "30", MAR_7),
        line(3, "return", "-50", FEB_20),
        line(2, "payment", "130", FEB_3),
        line(1, "payment", "500", JAN_12),
    ]
    assert reasons(ledger, *lines) == [
        (2, "beyond_budget", D(30)),
        (4, "beyond_budget", D(10)),
    ]


def test_redeeming_a_reservation_is_not_beyond_what_it_was_reserved_from(ledger: Chain) -> None:
    reserved = line(1, "reservation", "600", JAN_12)
    paid = line(2, "payment", "600", FEB_3, refers_to_transaction_id=1)
    assert reasons(ledger, reserved, paid) == []


@pytest.mark.parametrize(
    ("permits", "reason"),
    [
        ([("S1", "rehabilitation", date(2016, 1, 1), None)], []),
        ([("S1", "rehabilitation", date(2016, 1, 1), FEB_3)], ["permit_expired"]),
        ([("S1", "dental", date(2016, 1, 1), None)], ["permit_missing"]),
        ([], ["permit_missing"]),
    ],
)
def test_a_listed_private_firm_needs_a_permit_for_what_the_law_says(
    ledger: Chain, permits: list[Any], reason: list[str]
) -> None:
    tables = {
        "decisions": [decision(5, "600", service_code="physiotherapy"), decision(6, "600")],
        "core.voucher_provider": [("PT1", "9900001-8", "private", None)],
        "core.provider": [("Y1", "9900001-8")],
        "core.site": [("S1", "Y1")],
        "core.permit": permits,
    }
    lines = [
        line(1, "payment", "30", FEB_3, service_code="physiotherapy"),
        line(2, "payment", "30", FEB_3, budget_decision_id=6),  # cleaning needs none
    ]
    assert [row[:2] for row in reasons(ledger, *lines, **tables)] == [(1, r) for r in reason]


def test_the_worklist_speaks_three_languages(ledger: Chain) -> None:
    reasons(ledger, line(1, "payment", "30", FEB_3, budget_match_code="none"))
    assert ledger.rows("select text_fi, text_sv, text_en from mart.voucher_worklist") == [
        (
            "Tapahtumalla ei ole budjettia.",
            "Transaktionen har ingen budget.",
            "The line names no budget.",
        )
    ]


def test_what_guides_found_closes_an_item_until_it_is_taken_back(ledger: Chain) -> None:
    lines = [line(n, "payment", "30", FEB_3, budget_match_code="none") for n in (1, 2, 3)]
    outcomes = [
        (1, "voucher_worklist", "1.no_budget", "known", date(2017, 3, 1)),
        (2, "voucher_worklist", "1.no_budget", "recovered", date(2017, 3, 9)),
        (3, "voucher_worklist", "2.no_budget", None, None),
        (4, "budget", "3.no_budget", "known", date(2017, 3, 1)),
    ]
    reasons(ledger, *lines, **{"core.guidance_outcome": outcomes})
    assert ledger.rows(
        "select item_code, outcome_code, closed_date from mart.voucher_worklist order by all"
    ) == [
        ("1.no_budget", "recovered", date(2017, 3, 9)),
        ("2.no_budget", None, None),
        ("3.no_budget", None, None),
    ]


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        ([(1, 7, "PT1", "home_care", date(2017, 1, 1), date(2018, 1, 1))], []),
        ([(1, 7, "PT1", "home_care", date(2017, 1, 1), FEB_3)], ["authorisation_expired"]),
        ([(1, 7, "PT1", "home_care", MAR_7, date(2018, 1, 1))], ["authorisation_expired"]),
        ([(1, 7, "PT2", "home_care", date(2017, 1, 1), MAR_7)], ["authorisation_missing"]),
        ([(1, 7, "PT1", "meals", date(2017, 1, 1), MAR_7)], ["authorisation_missing"]),
        ([(1, 8, "PT1", "home_care", date(2017, 1, 1), MAR_7)], ["authorisation_missing"]),
        ([], []),  # the source has not begun to send
    ],
)
def test_what_needs_an_authorisation_is_held_against_those_of_the_client(
    ledger: Chain, held: list[Any], reason: list[str]
) -> None:
    tables = {
        "decisions": [decision(5, "600", service_code="home_care"), decision(6, "600")],
        "core.purchase_authorisation": held,
    }
    lines = [
        line(1, "payment", "30", FEB_3, service_code="home_care"),
        line(2, "return", "-10", FEB_3, service_code="home_care"),
        line(3, "payment", "30", FEB_3, budget_decision_id=6),  # cleaning needs none
    ]
    assert [row[:2] for row in reasons(ledger, *lines, **tables)] == [(1, r) for r in reason]


def test_a_protected_clients_line_is_held_against_authorisations_without_a_provider(
    ledger: Chain,
) -> None:
    until = date(2018, 1, 1)
    tables = {
        "decisions": [decision(5, "600", service_code="home_care")],
        "core.purchase_authorisation": [(1, 7, None, "home_care", date(2017, 2, 1), until)],
    }
    hidden = {"voucher_provider_id": None, "provider_match_code": "hidden"}
    lines = [
        line(n, "payment", "30", day, service_code="home_care", agreed_price_eur=None, **hidden)
        for n, day in ((1, FEB_3), (2, JAN_12))
    ]
    assert [row[:2] for row in reasons(ledger, *lines, **tables)] == [(2, "authorisation_expired")]
