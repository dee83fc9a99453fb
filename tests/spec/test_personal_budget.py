"""Proposals of a personal budget from assessment to euros and words, worked by hand.

Here: clients and assessments in, proposals and their reasoning out, by the rulebooks in force. Not
here: that SQL and the rule in plain Python say the same (`tests/property/test_personal_budget`).
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.support.budgets import NEW_YEAR, D, decision, proposal_chain
from tests.support.model_chain import Chain

JULY = date(2017, 7, 1)
BEFORE = date(2017, 6, 10)
NBSP = "\N{NO-BREAK SPACE}"


@pytest.fixture(scope="module")
def budget() -> Chain:
    return proposal_chain()


def rai(number: int = 1, *, day: date = BEFORE, until: date | None = None, **scores: int) -> Any:
    """Scores of one RAI assessment of client 7, by scale."""
    return [(number, scale, 7, "RAI-HC", score, day, until) for scale, score in scores.items()]


ORDINARY = rai(MAPLe=3, CPS=1, ADLH=2, IADL=10)
"""Home care 2 by ADLH and MAPLe, cleaning 2, meals 1, physiotherapy 1, safety telephone 1."""
PERSON = (7, "2", date(1935, 1, 1), None, "fi")
HOME = (7, "106", date(2010, 1, 1), None, None)


def seeking(since: date = JULY, cohort: str = "guidance_only", group: str = "1") -> Any:
    return (7, cohort, group, since, None)


def proposed(budget: Chain, **tables: Any) -> list[tuple[Any, ...]]:
    """Service, class, month, need, moderated, bounded, service's, whole, without moderation."""
    given = {
        "study_enrolment": [seeking()],
        "need_assessment": ORDINARY,
        "person": [PERSON],
        "residence": [HOME],
        "municipality": [("106", True), ("091", False)],
        **tables,
    }
    budget.run({f"core.{name}": rows for name, rows in given.items()})
    return budget.rows(
        "select service_code, hb_class_code, class_month_eur, need_month_eur, moderated_month_eur,"
        " bounded_month_eur, service_eur, proposal_eur, unmoderated_eur"
        " from mart.personal_budget_proposal order by proposed_from_date, service_code"
    )


def wholes(rows: list[tuple[Any, ...]]) -> set[Any]:
    return {row[7] for row in rows}


def dates(budget: Chain) -> list[tuple[date, date]]:
    return budget.rows(
        "select distinct proposed_from_date, proposed_to_date from core.personal_budget_occasion"
        " order by all"
    )


def history(months: int, *, euros: str = "300.00", service: str = "home_care") -> dict[str, Any]:
    """Months before July in which client 7 lived here and used an own service."""
    past = [date(2017, 7 - n, 1) for n in range(1, months + 1)]
    return {
        "person_month": [(7, month) for month in past],
        "cost": [("service_period", 7, month, service, D(euros)) for month in past],
    }


def test_classes_become_units_euros_and_a_sum_by_day(budget: Chain) -> None:
    """6 h x 38.50 + 3 h x 31.50 + 10 x 9.50 + 59 + 33 = 512.50; 12 months x 184/365 days."""
    rows = proposed(budget)
    assert [row[:3] for row in rows] == [
        ("cleaning", "2", D("94.50")),
        ("home_care", "2", D("231.00")),
        ("meals", "1", D("95.00")),
        ("physiotherapy", "1", D("59.00")),
        ("safety_phone", "1", D("33.00")),
    ]
    assert {row[3:6] for row in rows} == {(D("512.50"),) * 3}
    assert wholes(rows) == {D("3100.27")}  # 512.50 x 12 x 184 / 365 = 3100.2739...
    assert sum(row[6] for row in rows) == D("3100.27")
    assert rows[0][6] == D("571.66")  # 3100.27 x 94.50 / 512.50 = 571.6595...


def test_the_scale_that_gives_the_highest_class_decides(budget: Chain) -> None:
    rows = proposed(budget, need_assessment=rai(MAPLe=5, ADLH=0, CPS=5, IADL=0))
    assert [row[:2] for row in rows] == [
        ("home_care", "4"),
        ("meals", "5"),
        ("safety_phone", "1"),
    ]


def test_need_without_any_class_proposes_nothing_and_says_so(budget: Chain) -> None:
    assert proposed(budget, need_assessment=rai(MAPLe=1, ADLH=0, CPS=0, IADL=0)) == []
    steps = budget.rows(
        "select step_code, text_en from mart.personal_budget_reasoning order by step_number,"
        " service_code"
    )
    assert [code for code, _ in steps] == ["class"] * 5 + ["no_need"]
    assert steps[-1][1].endswith("No budget is proposed.")


def test_without_an_assessment_there_is_no_proposal_and_the_reason_stands(budget: Chain) -> None:
    assert proposed(budget, need_assessment=[]) == []
    assert budget.rows("select step_code from mart.personal_budget_reasoning") == [
        ("no_assessment",)
    ]


@pytest.mark.parametrize(
    ("assessments", "due"),
    [
        (rai(ADLH=4, until=JULY), []),  # no longer in force
        (rai(ADLH=4, day=date(2017, 7, 2)), [(date(2017, 8, 1), "4")]),  # made after the day
        (rai(ADLH=4, day=JULY), [(JULY, "4"), (date(2017, 8, 1), "4")]),
        ([*rai(ADLH=4), *rai(2, ADLH=2, day=date(2017, 6, 20))], [(JULY, "2")]),  # the newest
        (
            [*rai(ADLH=2), *rai(2, ADLH=4, day=date(2017, 9, 9))],
            [(JULY, "2"), (date(2017, 10, 1), "4")],  # assessed anew, from the next month on
        ),
    ],
)
def test_the_assessment_in_force_on_the_day_counts(
    budget: Chain, assessments: Any, due: list[Any]
) -> None:
    proposed(budget, need_assessment=assessments)
    assert (
        budget.rows(
            "select proposed_from_date, hb_class_code from mart.personal_budget_proposal"
            " where service_code = 'home_care' order by all"
        )
        == due
    )


def test_a_control_gets_no_proposal(budget: Chain) -> None:
    assert proposed(budget, study_enrolment=[seeking(cohort="control")]) == []
    assert dates(budget) == []


def test_whoever_has_a_decision_is_proposed_for_from_its_day(budget: Chain) -> None:
    decided = decision(5, "900", valid_from_date=date(2017, 8, 1))
    proposed(budget, budget_decision=[decided])
    assert dates(budget) == [(date(2017, 8, 1), NEW_YEAR)]


# Prior use: a step of its own.


@pytest.mark.parametrize(
    ("used", "moderated"),
    [
        ({}, "512.50"),
        (history(2), "512.50"),  # three months are due
        (history(3, service="institution"), "512.50"),  # no service that a budget replaces
        (history(3), "459.38"),  # 512.50 + 0.25 x (300 - 512.50) = 459.375
        (history(6, euros="10.00"), "435.63"),  # no lower than 85 % of 512.50 = 435.625
        (history(3, euros="2000"), "589.38"),  # no higher than 115 % of it = 589.375
    ],
)
def test_prior_use_draws_the_need_amount_so_far_and_no_further(
    budget: Chain, used: dict[str, Any], moderated: str
) -> None:
    rows = proposed(budget, **used)
    assert {row[4] for row in rows} == {D(moderated)}
    assert {row[8] for row in rows} == {D("3100.27")}  # without the step


def test_vouchers_paid_before_are_prior_use(budget: Chain) -> None:
    """300 a month of vouchers: as if of the service that they took the place of."""
    lived = history(3)["person_month"]
    bought = [("line", 7, month, D("320.00"), D("20.00")) for _, month in lived]
    assert {row[4] for row in proposed(budget, person_month=lived, voucher_entry=bought)} == {
        D("459.38")
    }


# Bounds and days.


def test_the_greatest_need_stops_at_the_most_of_the_group(budget: Chain) -> None:
    """101.5 h x 29.50 + 4.5 x 59 + 8 h x 41 + 39 = 3626.75; at most 3500 a month in group 3."""
    fim = [(1, "TOTAL", 7, "FIM", 18, BEFORE, None)]
    rows = proposed(budget, need_assessment=fim, study_enrolment=[seeking(group="3")])
    assert [row[:2] for row in rows] == [
        ("exercise", "1"),
        ("personal_assistance", "5"),
        ("physiotherapy", "5"),
        ("support_person", "4"),
    ]
    assert {row[3:6] for row in rows} == {(D("3626.75"), D("3626.75"), D("3500.00"))}
    assert wholes(rows) == {D("21172.60")}  # 3500 x 12 x 184 / 365 = 21172.6027...


@pytest.mark.parametrize(
    ("died", "homes", "ends"),
    [
        (None, [HOME], NEW_YEAR),
        (date(2017, 9, 14), [HOME], date(2017, 9, 15)),  # the day of death still counts
        (None, [(7, "106", date(2010, 1, 1), date(2017, 9, 1), None)], date(2017, 9, 1)),
        (
            None,  # a move within the area ends nothing
            [
                (7, "106", date(2010, 1, 1), date(2017, 9, 1), None),
                (7, None, date(2017, 9, 1), None, None),
            ],
            NEW_YEAR,
        ),
        (
            None,
            [
                (7, "106", date(2010, 1, 1), date(2017, 9, 1), None),
                (7, "091", date(2017, 9, 1), None, None),
            ],
            date(2017, 9, 1),
        ),
    ],
)
def test_it_ends_with_the_year_with_life_or_with_living_in_the_area(
    budget: Chain, died: date | None, homes: Any, ends: date
) -> None:
    rows = proposed(budget, person=[(*PERSON[:3], died, "fi")], residence=homes)
    assert dates(budget) == [(JULY, ends)]
    days = (ends - JULY).days
    assert wholes(rows) == {(D("512.50") * 12 * days / 365).quantize(D("0.01"))}


def test_nothing_is_proposed_to_start_after_death(budget: Chain) -> None:
    assert proposed(budget, person=[(*PERSON[:3], date(2017, 6, 20), "fi")]) == []


def test_prices_are_those_of_the_day_on_which_it_starts(budget: Chain) -> None:
    rows = proposed(budget, study_enrolment=[seeking(since=NEW_YEAR)])
    assert rows[1][:3] == ("home_care", "2", D("233.40"))  # 6 h x 38.90


# The reasoning.


def test_every_step_is_told_in_three_languages(budget: Chain) -> None:
    proposed(budget, **history(3))
    steps = budget.rows(
        "select step_code, service_code, text_fi, text_sv, text_en"
        " from mart.personal_budget_reasoning order by step_number, service_code"
    )
    assert [code for code, *_ in steps] == [
        *["class"] * 5,
        *["amount"] * 5,
        "need",
        "moderation",
        "period",
        *["service"] * 5,
        "proposal",
    ]
    told = {(code, service): texts for code, service, *texts in steps}
    assert told["class", "home_care"] == [
        "kotihoito: arvioinnissa 2017-06-10 mittarilla ADLH 2 pistettä, luokka 2.",
        "hemvård: bedömningen 2017-06-10 med ADLH gav 2 poäng, klass 2.",
        "home care: the assessment of 2017-06-10 by ADLH gave 2 points, class 2.",
    ]
    assert told["amount", "home_care"][0] == (
        f"kotihoito: 6,00 tuntia kuukaudessa, yksikköhinta 38,50{NBSP}€,"
        f" yhteensä 231,00{NBSP}€ kuukaudessa."
    )
    assert told["moderation", None][2] == (
        "Earlier use, €300.00 a month over 3 months, changes the sum by -53.12 euros:"
        " €459.38 a month. Without this step the budget would be €3100.27."
    )
    assert told["proposal", None][1] == (
        f"Förslaget är sammanlagt 2778,93{NBSP}€."
        " Budgeten börjar först med ett beslut, som kan överklagas."
    )
    assert not any("{" in text or "¤" in text for texts in told.values() for text in texts)


def test_a_step_that_is_skipped_is_told_too(budget: Chain) -> None:
    proposed(budget, **history(2))
    (text,) = budget.rows(
        "select text_en from mart.personal_budget_reasoning where step_number = 50"
    )
    assert text == (
        "There is not enough earlier use (2 months), so it changes nothing: €512.50 a month.",
    )
