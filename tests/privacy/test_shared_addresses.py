"""Whom a protected person lives with: agreements on care and families tell it nowhere in the lake.

Here: orders that come before and after such rows. Not here: places by themselves
(`test_protection_orders`).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from tests.support.deliveries import Row, reference_lists, sent
from tests.support.few_tables import few_tables
from tests.support.lakes import bring, quick_lake
from tests.support.small_region import CODES, JUNE, MAY, PROTECTED, residents


@pytest.mark.parametrize("is_known_before", [pytest.param(True, marks=pytest.mark.deep), False])
def test_whom_a_protected_person_lives_with_is_told_by_no_row(is_known_before: bool) -> None:
    """An agreement on care and a family join persons of one address; two of six are theirs."""
    protected, carer, other = CODES[PROTECTED], CODES[0], CODES[3]
    updated = datetime(2017, 5, 31, 9)
    agreement: Row = {
        "person_id": carer,
        "fee_class_code": "1",
        "fee_month_eur": Decimal("392.57"),
        "leave_month_days": 2,
        "leave_taken_days": 0,
        "valid_from_date": date(2017, 1, 1),
        "updated_at": updated,
    }
    member: Row = {
        "family_id": 7,
        "member_role_code": "adult",
        "valid_from_date": date(2017, 1, 1),
        "updated_at": updated,
    }
    told = (
        sent(
            "apotti/informal_care_agreements",
            MAY,
            {**agreement, "agreement_id": 1, "cared_person_id": protected},
            {**agreement, "agreement_id": 2, "cared_person_id": other},
        ),
        sent(
            "guidance/families",
            MAY,
            *(
                {**member, "family_member_id": number, "person_id": code}
                for number, code in enumerate((protected, other), start=1)
            ),
        ),
    )
    definition = few_tables("apotti/informal_care_agreements", "guidance/families")
    with quick_lake(definition) as session:
        bring(session, *reference_lists(), residents(MAY, orders=[PROTECTED] * is_known_before))
        bring(session, *told)
        bring(session, residents(JUNE, orders=[PROTECTED]))
        cared = session.lake.rows(
            "select agreement_id, cared_person_id is not null from core.informal_care_agreement"
            " order by 1"
        )
        families = session.lake.rows(
            "select family_member_id, family_id from core.family_member order by 1"
        )
    assert cared == [(1, False), (2, True)]
    assert families == [(1, None), (2, 7)]
