"""Informal care as it joins two persons, and families that are one client, worked by hand.

Here: `mart.carer_load`, `mart.family_budget`. Not here: the ledger that families hold together
(`test_budget_ledger`).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.support.model_chain import Chain, chain

D = Decimal
CARER, CARED = 1, 2
NEVER = None
TABLES = {
    "effective.delivery": "source varchar, table_name varchar, covers_to_date date",
    "core.informal_care_agreement": (
        "agreement_id bigint, person_id bigint, cared_person_id bigint, fee_class_code varchar,"
        " fee_month_eur decimal(18,2), leave_month_days integer, leave_taken_days integer,"
        " valid_from_date date, valid_to_date date"
    ),
    "core.person": "person_id bigint, birth_date date",
    "core.need_assessment": (
        "assessment_id bigint, person_id bigint, scale_code varchar, score integer,"
        " assessed_date date, valid_to_date date"
    ),
    "core.client_quarter": (
        "person_id bigint, quarter_start_date date, package_count bigint, cost_eur decimal(18,2)"
    ),
    "core.family_member": (
        "family_id bigint, person_id bigint, member_role_code varchar, valid_from_date date,"
        " valid_to_date date"
    ),
    "mart.personal_budget_ledger": (
        "person_id bigint, service_code varchar, budget_decision_id bigint, budget_month date,"
        " granted_eur decimal(18,2), reserved_eur decimal(18,2), paid_eur decimal(18,2),"
        " returned_eur decimal(18,2), remaining_eur decimal(18,2), client_share_eur decimal(18,2)"
    ),
}
Q1, Q2, Q3 = date(2017, 1, 1), date(2017, 4, 1), date(2017, 7, 1)


@pytest.fixture(scope="module")
def models() -> Chain:
    return chain(("mart.carer_load", "mart.family_budget"), TABLES)


def agreement(**others: Any) -> tuple[Any, ...]:
    row = {
        "agreement_id": 5,
        "person_id": CARER,
        "cared_person_id": CARED,
        "fee_class_code": "2",
        "fee_month_eur": D("500.00"),
        "leave_month_days": 2,
        "leave_taken_days": 3,
        "valid_from_date": date(2016, 12, 11),
        "valid_to_date": NEVER,
    }
    return tuple((row | others).values())


def load(models: Chain, columns: str, *agreements: Any, **tables: Any) -> list[tuple[Any, ...]]:
    """Deliveries cover January to May 2017; the carer is 70, the person cared for 81."""
    models.run(
        {
            "effective.delivery": [
                ("apotti", "informal_care_agreements", day)
                for day in (date(2017, 1, 31), date(2017, 5, 31))
            ],
            "core.person": [(CARER, date(1946, 6, 1)), (CARED, date(1935, 6, 1))],
            "core.informal_care_agreement": agreements,
            **tables,
        }
    )
    return models.rows(f"select {columns} from mart.carer_load order by all")


def test_fee_goes_by_day_and_leave_by_full_months(models: Chain) -> None:
    """Of whole months the whole fee; by 31 May five are full: of leave 10 days less 3."""
    columns = "quarter_start_date, care_days, fee_eur, leave_earned_days, leave_left_days"
    assert load(models, columns, agreement()) == [
        (Q1, 90, D("1500.00"), 6, None),
        (Q2, 61, D("1000.00"), 10, 7),
    ]


def test_an_agreement_that_ends_earns_no_more(models: Chain) -> None:
    columns = "quarter_start_date, care_days, fee_eur, leave_earned_days, leave_left_days"
    ended = agreement(valid_to_date=date(2017, 2, 10))  # 500 and 9 / 28 of it
    assert load(models, columns, ended) == [(Q1, 40, D("660.71"), 2, -1)]
    assert load(models, columns, agreement(valid_to_date=date(2016, 12, 31))) == []


def test_both_persons_load_stands_in_one_row(models: Chain) -> None:
    assert load(
        models,
        "quarter_start_date, age_years, cared_age_years, cared_maple_score, package_count,"
        " cost_eur, cared_package_count, cared_cost_eur, sign_count, is_heavy",
        agreement(valid_to_date=Q2),
        **{
            "core.need_assessment": [
                (1, CARED, "MAPLe", 3, date(2016, 9, 1), None),
                (2, CARED, "MAPLe", 4, date(2017, 3, 31), None),
                (3, CARED, "MAPLe", 5, Q2, None),
                (4, CARER, "MAPLe", 1, date(2017, 3, 1), None),
            ],
            "core.client_quarter": [
                (CARER, Q1, 3, D("120.50")),
                (CARER, Q2, 9, D("999.00")),
                (CARED, Q1, 5, D("2000.00")),
            ],
        },
    ) == [(Q1, 70, 81, 4, 3, D("120.50"), 5, D("2000.00"), 2, True)]


def test_who_is_cared_for_under_protection_is_not_told_and_the_carer_stays(models: Chain) -> None:
    columns = "person_id, cared_person_id, cared_age_years, sign_count, is_heavy"
    hidden = agreement(cared_person_id=None, valid_to_date=Q2)
    assert load(models, columns, hidden) == [(CARER, None, None, 0, False)]


# Families.


def held(person: int, service: str, month: int, granted: str, paid: str) -> tuple[Any, ...]:
    left = D(granted) - D(paid)
    day = date(2017, month, 1)
    return (person, service, 10 + person, day, D(granted), D(0), D(paid), D(0), left, D(0))


def families(models: Chain, members: Any, *lines: Any) -> list[tuple[Any, ...]]:
    models.run({"core.family_member": members, "mart.personal_budget_ledger": lines})
    return models.rows(
        "select family_id, month(budget_month), contact_person_id, member_count, child_count,"
        " holder_count, doubled_service_count, granted_eur, paid_eur, remaining_eur"
        " from mart.family_budget order by all"
    )


def test_a_family_is_one_client_whoever_of_it_holds_the_budget(models: Chain) -> None:
    members = [
        (7, 1, "adult", Q1, None),
        (7, 2, "child", Q1, None),
        (7, 3, "adult", date(2017, 2, 10), None),
    ]
    lines = [
        held(1, "home_help", 1, "100", "20"),
        held(1, "home_help", 2, "100", "30"),
        held(3, "home_help", 2, "50", "5"),
        held(3, "cleaning", 2, "10", "0"),
        held(9, "home_help", 2, "500", "5"),  # of no family
    ]
    assert families(models, members, *lines) == [
        (7, 1, 1, 2, 1, 1, 0, D(100), D(20), D(80)),
        (7, 2, 1, 3, 1, 2, 1, D(160), D(35), D(125)),
    ]


def test_who_has_left_or_is_protected_is_in_no_family(models: Chain) -> None:
    members = [
        (7, 1, "adult", Q1, date(2017, 1, 31)),
        (None, 2, "adult", Q1, None),
    ]
    lines = [held(n, "home_help", 1, "100", "20") for n in (1, 2)]
    assert families(models, members, *lines) == []
