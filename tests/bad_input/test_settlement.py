"""What cannot be settled is refused with what to do next, before anything is written.

Here: choices, registers, deliveries, rulebooks. Not here: what makes a rulebook unsound in itself
(`tests/unit/test_capitation_rulebook`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from dagster_project.errors import TietoallasError
from dagster_project.lake.ledger import FROZEN_TABLES, PAYMENT_TABLES
from dagster_project.settlement.due import Outcome, settle_due
from tests.support.settling import MAY, Desk, Tariff, desk

Spoil = Callable[[Desk], Desk | None]


def ends_before_it_starts(on: Desk) -> None:
    on.choice(1, date(2017, 5, 20), date(2017, 5, 10))


def overlaps(on: Desk) -> None:
    on.choice(1, date(2017, 5, 20), provider_id="P2", site_id="S2")


def unknown_provider(on: Desk) -> None:
    on.choice(on.person(2), provider_id="P7", site_id="S7")


def gap_of_months(on: Desk) -> None:
    on.lake.execute("update lake.ops.delivery set delivery_sequence = 201703 where source = 'x'")
    on.delivered(date(2017, 3, 1))


def month_not_covered(on: Desk) -> None:
    on.lake.execute("delete from lake.ops.delivery where table_name = 'residents'")


def pays_acts(on: Desk) -> Desk:
    return on.tariff(Tariff(acts={"SFA10": "30.00"}))


def acts_not_covered(on: Desk) -> Desk:
    on.lake.execute("delete from lake.ops.delivery where table_name = 'procedures'")
    return pays_acts(on)


def gap_of_acts(on: Desk) -> Desk:
    on.delivered(date(2017, 3, 1))
    on.lake.execute(
        "delete from lake.ops.delivery where delivery_sequence = 201703"
        " and table_name <> 'procedures'"
    )
    return pays_acts(on)


def no_build(on: Desk) -> None:
    on.lake.execute("delete from lake.ops.build")


def events_since_the_build(on: Desk) -> None:
    event = (7, "apotti", "encounters", 201705, "landed", "", MAY, "run")
    on.put("ops.delivery_event", event)


def no_tariff(on: Desk) -> None:
    on.lake.execute("delete from lake.mart.capitation_tariff")


def negative_tariff(on: Desk) -> None:
    on.lake.execute("update lake.mart.capitation_tariff set base_eur = -1")


def tariff_without_the_age(on: Desk) -> None:
    on.lake.execute("update lake.mart.capitation_tariff set age_from = 60")


def no_regional_factor(on: Desk) -> Desk:
    return on.tariff(Tariff(regional={"186": "1"}))


def no_need_factor(on: Desk) -> Desk:
    return on.tariff(Tariff(others={"mode_code": "need"}))


def gap_in_ages(on: Desk) -> Desk:
    return on.tariff(Tariff(bands=((0, 17, "any", "1"), (19, 200, "any", "1"))))


def overlap_in_ages(on: Desk) -> Desk:
    return on.tariff(Tariff(bands=((0, 18, "any", "1"), (18, 200, "any", "1"))))


def negative_amount(on: Desk) -> Desk:
    return on.tariff(Tariff(bands=((0, 200, "any", "-1"),)))


def not_in_force_yet(on: Desk) -> Desk:
    return on.tariff(Tariff(starts=date(2018, 1, 1)))


def paid_by_another(on: Desk) -> None:
    on.lake.execute(
        "create or replace view memory.rulebook.capitation_payer as"
        " select date '2010-01-01' as valid_from_date, 'reception' as service_code,"
        " 'other' as rulebook_id"
    )


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (ends_before_it_starts, "1 choices in core.enrolment end before they start"),
        (overlaps, "1 choices in core.enrolment overlap"),
        (unknown_provider, "people chose P7, which the register of sites does not have"),
        (gap_of_months, "the delivery before 201705 is missing"),
        (month_not_covered, "residents covers days to none"),
        (acts_not_covered, "apotti/procedures covers days to none"),
        (gap_of_acts, "of apotti/procedures the delivery before 201705 is missing"),
        (no_build, "no green build"),
        (events_since_the_build, "since the last green build"),
        (no_tariff, "has no amounts of R"),
        (negative_tariff, "an amount of R is negative"),
        (tariff_without_the_age, "31 person-days are of an age or sex for which R has no amount"),
        (no_regional_factor, "no regional factor for municipality 106"),
        (no_need_factor, "mart.capitation_need_factor has none of P1"),
        (gap_in_ages, "a gap in the ages"),
        (overlap_in_ages, "an overlap in the ages"),
        (negative_amount, "amount_eur is negative"),
        (not_in_force_yet, "no version of R is in force"),
        (paid_by_another, "R does not pay for reception in 2017-05"),
    ],
)
def test_nothing_is_written_and_the_message_says_what_to_do(spoil: Spoil, words: str) -> None:
    on = desk()
    on.choice(on.person(1))
    on = spoil(on) or on
    with pytest.raises(TietoallasError, match=words) as refused:
        on.settle(MAY)
    assert any(mark in str(refused.value) for mark in (";", "see", "run `")), refused.value
    for name in PAYMENT_TABLES:
        assert on.lake.count(f"select count(*) from mart.{name}") == 0
    for name in FROZEN_TABLES:
        assert on.lake.count(f"select count(*) from ledger.{name}") == 0


def test_a_second_settlement_of_a_month_is_refused_and_changes_nothing() -> None:
    on = desk()
    on.choice(on.person(1))
    on.settle(MAY)
    before = on.rows("mart.capitation_line")
    with pytest.raises(TietoallasError, match="2017-05 is closed: R was settled by run 1"):
        on.settle(MAY)
    assert on.rows("mart.capitation_line") == before


def test_what_is_due_and_refused_is_told_and_counted() -> None:
    on = desk()
    on.choice(on.person(1), MAY)
    no_tariff(on)
    told: list[str] = []
    assert settle_due(on.session, report=told.append) == Outcome((), refused_count=1)
    assert "not settled: " in told[0]
    assert "has no amounts of R" in told[0]


def test_an_unknown_rulebook_is_named() -> None:
    with pytest.raises(TietoallasError, match="no payment scheme X"):
        desk().settle(MAY, "X")
