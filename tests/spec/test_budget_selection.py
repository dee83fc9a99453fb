"""Who is chosen for a personal budget, with which control, and how alike the two arms are.

Here: candidates in, arms, pairs, balance and effects out; and what must hold of any candidates. Not
here: what a score or a cost is.
"""

from __future__ import annotations

from datetime import date
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.support.budgets import D
from tests.support.model_chain import Chain, chain

PROFILE = hypothesis_settings.get_profile(hypothesis_settings.get_current_profile_name())
FEW = hypothesis_settings(PROFILE, max_examples=max(2, PROFILE.max_examples // 2))
DAY = date(2017, 10, 1)
CANDIDATE = (
    "selected_date date, client_group_code varchar, person_id bigint, need_points integer,"
    " prior_use_eur decimal(18,2), sex_code varchar, age_years bigint, place_count integer"
)


@pytest.fixture(scope="module")
def choice() -> Chain:
    return chain(
        ("mart.budget_selection", "mart.budget_balance"), {"core.budget_candidate": CANDIDATE}
    )


def candidate(number: int, need: int, used: int = 0, *, places: int = 48, **others: Any) -> Any:
    row = {"group": "elderly", "sex": "2", "age": 80} | others
    return (DAY, row["group"], number, need, D(used), row["sex"], row["age"], places)


def arms(choice: Chain, *candidates: Any) -> list[tuple[Any, ...]]:
    choice.run({"core.budget_candidate": candidates})
    return choice.rows(
        "select person_id, arm_code, pair_number from mart.budget_selection"
        " order by client_group_code, need_rank"
    )


def test_the_greatest_need_is_chosen_and_the_next_are_controls(choice: Chain) -> None:
    rows = arms(choice, *(candidate(n, need) for n, need in enumerate((10, 50, 40, 30, 20))))
    assert [row[:2] for row in rows] == [
        (1, "chosen"),
        (2, "chosen"),
        (3, "control"),
        (4, "control"),
        (0, "candidate"),
    ]


def test_no_more_than_there_are_places(choice: Chain) -> None:
    rows = arms(choice, *(candidate(n, -n, places=1) for n in range(6)))
    assert [arm for _, arm, _ in rows] == ["chosen", "control", *["candidate"] * 4]


def test_of_like_need_who_used_most_is_first_and_else_a_draw_that_can_be_repeated(
    choice: Chain,
) -> None:
    tied = [candidate(n, 30, used) for n, used in ((1, 0), (2, 500), (3, 0), (4, 0))]
    first = arms(choice, *tied)
    assert first[0][0] == 2
    assert arms(choice, *reversed(tied)) == first


def test_groups_are_chosen_and_matched_apart(choice: Chain) -> None:
    elderly = [candidate(n, 900 - n) for n in (1, 2)]
    disabled = [candidate(n, -n, group="disabled") for n in (11, 12, 13)]
    rows = arms(choice, *elderly, *disabled)
    assert rows == [
        (11, "chosen", 1),
        (12, "control", 1),
        (13, "candidate", None),
        (1, "chosen", 1),
        (2, "control", 1),
    ]


@FEW
@given(
    drawn=st.lists(
        st.tuples(st.integers(0, 20), st.integers(0, 900)), max_size=9, unique_by=lambda row: row
    ),
    places=st.integers(1, 4),
)
def test_pairs_are_disjoint_and_no_other_controls_or_pairs_are_nearer(
    choice: Chain, drawn: list[tuple[int, int]], places: int
) -> None:
    rows = arms(choice, *(candidate(n, *row, places=places) for n, row in enumerate(drawn)))
    paired = {arm: {p: n for n, a, p in rows if a == arm} for arm in ("chosen", "control")}
    assert paired["chosen"].keys() == paired["control"].keys()
    assert len(paired["chosen"]) == min(places, len(drawn) // 2)
    everybody = [*paired["chosen"].values(), *paired["control"].values()]
    assert len(set(everybody)) == len(everybody)
    pairs = [(paired["chosen"][p], paired["control"][p]) for p in paired["chosen"]]
    others = [n for n in range(len(drawn)) if n not in paired["chosen"].values()]
    chosen = [one for one, _ in pairs]
    found = _distance(drawn, pairs, 0), _distance(drawn, pairs, 1)
    for some in permutations(others, len(chosen)):
        other = list(zip(chosen, some, strict=True))
        assert _distance(drawn, other, 0) >= found[0]
    for same in permutations([two for _, two in pairs]):
        assert _distance(drawn, list(zip(chosen, same, strict=True)), 1) >= found[1]


def _distance(drawn: list[tuple[int, int]], pairs: list[tuple[int, int]], column: int) -> int:
    """Sum of differences in need (0) or prior use (1)."""
    return sum(abs(drawn[one][column] - drawn[two][column]) for one, two in pairs)


def balance(choice: Chain, *candidates: Any) -> dict[str, tuple[Any, ...]]:
    arms(choice, *candidates)
    rows = choice.rows(
        "select trait_code, chosen_mean, control_mean, standardised_mean_difference, is_balanced"
        " from mart.budget_balance"
    )
    return {trait: tuple(figures) for trait, *figures in rows}


def test_means_differ_in_units_of_the_mean_deviation(choice: Chain) -> None:
    """Need 8 and 6 against 4 and 2: deviation of each arm 1.4142, so 4 / 1.4142 = 2.8284."""
    told = balance(choice, *(candidate(n, 8 - 2 * n, used=5) for n in range(4)))
    assert told["need_points"] == (7.0, 3.0, 2.8284, False)
    assert told["prior_use_eur"] == (5.0, 5.0, 0.0, True)


def test_arms_that_differ_without_any_variation_are_not_alike(choice: Chain) -> None:
    told = balance(choice, candidate(1, 9, age=80), candidate(2, 8, age=70))
    assert told["age_years"] == (80.0, 70.0, None, False)


# Who is a candidate.

CANDIDATE_TABLES = {
    "core.register_month": "exposure_month date",
    "core.need_assessment": (
        "assessment_id bigint, scale_code varchar, person_id bigint, instrument_code varchar,"
        " score integer, assessed_date date, valid_to_date date"
    ),
    "core.budget_decision": (
        "person_id bigint, valid_from_date date, valid_to_date date, known_to_seq bigint"
    ),
    "core.cost": "person_id bigint, cost_month date, cost_eur decimal(18,2)",
    "core.person_month": (
        "person_id bigint, exposure_month date, sex_code varchar, birth_date date"
    ),
}
HERE = {"core.person_month": [(7, DAY, "2", date(1937, 10, 2))]}


@pytest.fixture(scope="module")
def candidates() -> Chain:
    return chain(("core.budget_candidate",), CANDIDATE_TABLES)


def rai(scores: dict[str, int], day: date = date(2017, 6, 1)) -> list[Any]:
    return [(1, scale, 7, "RAI-HC", score, day, None) for scale, score in scores.items()]


WHOLE = {"MAPLe": 3, "CPS": 1, "ADLH": 2, "IADL": 10}


def found(candidates: Chain, assessed: list[Any], **tables: Any) -> list[tuple[Any, ...]]:
    given = {f"core.{name}": rows for name, rows in tables.items()}
    months = {"core.register_month": [(date(2017, 12, 1),)]}
    candidates.run({**months, **HERE, "core.need_assessment": assessed, **given})
    return candidates.rows(
        "select client_group_code, need_points, prior_use_eur, age_years, place_count"
        " from core.budget_candidate"
    )


def test_points_are_weighted_scores_beside_a_years_use(candidates: Chain) -> None:
    """3 x 105 + 70 + 2 x 70 + 10 x 20 = 725; 79 years until the day after."""
    used = [(7, date(2016, 10, 1), D(100)), (7, date(2017, 9, 1), D(20)), (7, DAY, D(999))]
    used.append((7, date(2016, 9, 1), D(999)))
    assert found(candidates, rai(WHOLE), cost=used) == [("elderly", 725, D(120), 79, 48)]


@pytest.mark.parametrize(
    ("assessed", "tables"),
    [
        (rai({"MAPLe": 3, "CPS": 1, "ADLH": 2}), {}),  # a scale is missing
        (rai(WHOLE, date(2017, 10, 2)), {}),  # assessed after the day
        (rai(WHOLE), {"person_month": []}),  # does not live here
        (rai(WHOLE), {"budget_decision": [(7, DAY, date(2018, 1, 1), None)]}),  # has a budget
        (rai(WHOLE), {"register_month": [(date(2017, 9, 1),)]}),  # the day has not come
    ],
)
def test_who_is_no_candidate(candidates: Chain, assessed: list[Any], tables: Any) -> None:
    assert found(candidates, assessed, **tables) == []


def test_a_former_budget_is_no_hindrance(candidates: Chain) -> None:
    ended = [(7, date(2017, 1, 1), DAY, None)]
    assert len(found(candidates, rai(WHOLE), budget_decision=ended)) == 1


# The effect: budget against control, before and after.

EFFECT_TABLES = {
    "core.register_month": "exposure_month date",
    "core.study_enrolment": (
        "person_id bigint, cohort_code varchar, budget_group_code varchar, valid_from_date date,"
        " consent_from_date date, consent_to_date date"
    ),
    "core.person_month": "person_id bigint, exposure_month date",
    "core.cost": (
        "person_id bigint, event_kind_code varchar, cost_month date, cost_eur decimal(18,2)"
    ),
    "core.voucher_entry": (
        "entry_kind_code varchar, person_id bigint, budget_month date, paid_eur decimal(18,2),"
        " returned_eur decimal(18,2)"
    ),
    "core.patient_reported_score": (
        "person_id bigint, instrument_code varchar, scale_code varchar, response_month date,"
        " scale_score decimal(5,1)"
    ),
}
MONTHS = [date(2017, month, 1) for month in range(1, 8)]
START = date(2017, 4, 10)


def test_the_change_of_controls_is_taken_from_the_change_of_clients() -> None:
    """Clients go from 100 to 160 and 140 a month, controls from 100 to 120 and 130: 50 - 25."""
    effect = chain(("mart.budget_effect",), EFFECT_TABLES)
    after = {1: 160, 2: 140, 11: 120, 12: 130, 13: 900}
    study = [
        (n, "control" if n > 10 else "budget", "1", START, START, START if n == 13 else None)
        for n in after
    ]
    costs = [
        (n, "encounter", month, D(100 if month < START else euros - 10 * (n < 3)))
        for n, euros in after.items()
        for month in MONTHS
        if month.month != 4
    ]
    # Ten of a client's euros are paid by voucher; the month of the start is neither side's.
    vouchers = [("line", n, m, D(12), D(2)) for n in (1, 2) for m in MONTHS if m > START]
    effect.run(
        {
            "core.register_month": [(MONTHS[-1],)],
            "core.study_enrolment": study,
            "core.person_month": [(n, month) for n in after for month in MONTHS],
            "core.cost": costs,
            "core.voucher_entry": vouchers,
        }
    )
    rows = effect.rows(
        "select outcome_code, budget_count, control_count, budget_change, control_change, effect,"
        " effect_low, effect_high from mart.budget_effect order by all"
    )
    assert rows == [
        ("contact_month_count", 2, 2, 0.0, 0.0, 0.0, 0.0, 0.0),
        ("cost_month_eur", 2, 2, 50.0, 25.0, 25.0, 3.09, 46.91),  # 1.96 x sqrt(100 + 25)
    ]


def test_functioning_and_quality_of_life_are_compared_as_use_is() -> None:
    """WHODAS of clients falls by 10 and 6, of controls by 2 and 4: -8 + 3. Others lack a side."""
    effect = chain(("mart.budget_effect",), EFFECT_TABLES)
    april, before, long_before = date(2017, 4, 1), date(2017, 3, 1), date(2016, 3, 1)
    july, august = date(2017, 7, 1), date(2017, 8, 1)
    told = {1: (40, 30), 2: (20, 14), 11: (40, 38), 12: (20, 16)}
    scores: list[tuple[Any, ...]] = [
        (person, "WHODAS-12", "total", month, D(score))
        for person, pair in told.items()
        for month, score in zip((april, july), pair, strict=True)
    ]
    scores += [
        (1, "WHODAS-12", "total", august, D(30)),  # of two answers the mean
        (1, "WHODAS-12", "total", long_before, D(99)),
        (3, "WHODAS-12", "total", july, D(99)),
        (2, "WHODAS-12", "total", before, None),
        (1, "PROMIS-10", "physical", july, D(50)),
        *((n, "WHOQOL-BREF", "social", m, D(50 + m.month)) for n in told for m in (april, july)),
    ]
    study = [(n, "control" if n > 10 else "budget", "1", START, START, None) for n in (*told, 3)]
    effect.run(
        {
            "core.register_month": [(MONTHS[-1],)],
            "core.study_enrolment": study,
            "core.patient_reported_score": scores,
        }
    )
    rows = effect.rows(
        "select outcome_code, budget_count, control_count, budget_change, control_change, effect,"
        " effect_low, effect_high from mart.budget_effect order by all"
    )
    assert rows == [
        ("whodas_score", 2, 2, -8.0, -3.0, -5.0, -9.38, -0.62),  # 1.96 x sqrt(8 / 2 + 2 / 2)
        ("whoqol_social_score", 2, 2, 3.0, 3.0, 0.0, 0.0, 0.0),
    ]
