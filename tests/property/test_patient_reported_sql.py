"""Scores of what patients report: the models against the rule in plain Python, on any answers.

Here: `core.patient_reported_score`, change over time and the net promoter score by group. Not here:
the rule against its published tables (`tests/spec/test_patient_reported`).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dagster_project.rules.patient_reported import (
    PROMIS_ITEMS,
    WHOQOL_ITEMS,
    promis,
    whodas,
    whoqol,
)
from tests.support.model_chain import Chain, chain

TABLES = {
    "core.survey_response": (
        "survey_code varchar, response_id varchar, item_code varchar, person_id bigint,"
        " provider_id varchar, site_id varchar, instrument_code varchar,"
        " instrument_version varchar, answered_date date, response_month date,"
        " language_code varchar, cohort_code varchar, round_number integer, answer integer"
    ),
    "core.chain_client": "chain_code varchar, person_id bigint, quarter_start_date date",
    "core.guidance_assessment": (
        "form_code varchar, item_code varchar, answered_date date, score integer"
    ),
}
MODELS = ("core.patient_reported_score", "mart.patient_reported_outcome", "mart.net_promoter")
DAY = date(2017, 6, 15)
FORMS = {
    "PROMIS-10": tuple(f"Global{n:02d}" for n in range(1, 11)),
    "WHOQOL-BREF": tuple(f"Q{n}" for n in range(1, 27)),
    "WHODAS-12": tuple(f"S{n}" for n in range(1, 13)),
}
Answers = dict[str, int | None]
Row = tuple[Any, ...]


@cache
def models(*names: str) -> Chain:
    return chain(names or MODELS, TABLES)


def rows_of(
    response: str,
    instrument: str,
    answers: Answers,
    *,
    day: date = DAY,
    **who: Any,
) -> list[Row]:
    of = {"person": 1, "provider": "Y1", "survey": "patient_reported", "cohort": None} | who
    return [
        (
            *(of["survey"], response, item, of["person"], of["provider"], None, instrument, "1"),
            *(day, day.replace(day=1), "fi", of["cohort"], None, answer),
        )
        for item, answer in answers.items()
    ]


def by_rule(instrument: str, answers: Answers) -> dict[str, Decimal | None]:
    if instrument == "PROMIS-10":
        return {scale: promis(scale, answers) for scale in PROMIS_ITEMS}
    numbered = {int(item[1:]): answer for item, answer in answers.items()}
    if instrument == "WHODAS-12":
        return {"total": whodas(numbered)}
    return {domain: whoqol(domain, numbered) for domain in WHOQOL_ITEMS}


@st.composite
def forms(draw: st.DrawFn) -> tuple[str, Answers]:
    instrument = draw(st.sampled_from(sorted(FORMS)))
    low, high = (0, 4) if instrument == "WHODAS-12" else (1, 5)
    answers: Answers = {
        item: draw(st.integers(0, 10) if item == "Global07" else st.integers(low, high))
        for item in FORMS[instrument]
    }
    for item in draw(st.sets(st.sampled_from(FORMS[instrument]), max_size=6)):
        answers[item] = None
    return instrument, answers


@given(st.lists(forms(), min_size=1, max_size=6))
def test_every_score_is_the_rules(given_forms: list[tuple[str, Answers]]) -> None:
    rows = [row for n, form in enumerate(given_forms) for row in rows_of(f"R{n}", *form)]
    built = models("core.patient_reported_score")
    built.run({"core.survey_response": rows})
    found = {
        (response, scale): score
        for response, scale, score in built.rows(
            "select response_id, scale_code, scale_score from core.patient_reported_score"
        )
    }
    assert found == {
        (f"R{n}", scale): score
        for n, (instrument, answers) in enumerate(given_forms)
        for scale, score in by_rule(instrument, answers).items()
    }


def everything(points: int) -> Answers:
    """PROMIS answers that earn so many points on every item."""
    turned = {"Global07": {1: 10, 3: 5, 5: 0}[points], "Global08": 6 - points}
    turned["Global10"] = 6 - points
    return {item: turned.get(item, points) for item in FORMS["PROMIS-10"]}


def test_change_is_since_a_persons_first_score_in_the_group() -> None:
    later, last = date(2017, 9, 20), date(2017, 10, 2)
    unscored: Answers = dict.fromkeys(FORMS["PROMIS-10"])
    rows = [
        *rows_of("R0", "PROMIS-10", unscored, day=date(2017, 6, 1)),
        *rows_of("R1", "PROMIS-10", everything(1), cohort="follow_up"),
        *rows_of("R2", "PROMIS-10", everything(3), day=later),
        *rows_of("R3", "PROMIS-10", everything(5), day=last, provider="Y2"),
        *rows_of("R4", "PROMIS-10", everything(3), day=last, person=2, provider=None),
    ]
    built = models()
    built.run(
        {
            "core.survey_response": rows,
            "core.chain_client": [("elderly", 1, date(2017, q, 1)) for q in (7, 10)],
        }
    )
    found = built.rows(
        "select response_quarter, group_kind_code, group_code, response_count, scored_count,"
        " person_count, score_mean, compared_count, score_change_mean"
        " from mart.patient_reported_outcome where scale_code = 'physical' order by all"
    )
    spring, summer, autumn = date(2017, 4, 1), date(2017, 7, 1), date(2017, 10, 1)
    d = Decimal
    assert found == [
        (spring, "all", "all", 2, 1, 1, d("16.20"), 0, None),
        (spring, "cohort", "follow_up", 1, 1, 1, d("16.20"), 0, None),
        (spring, "provider", "Y1", 2, 1, 1, d("16.20"), 0, None),
        (summer, "all", "all", 1, 1, 1, d("39.80"), 1, d("23.60")),
        (summer, "chain", "elderly", 1, 1, 1, d("39.80"), 0, None),
        (summer, "provider", "Y1", 1, 1, 1, d("39.80"), 1, d("23.60")),
        (autumn, "all", "all", 2, 2, 2, d("53.75"), 1, d("51.50")),
        (autumn, "chain", "elderly", 1, 1, 1, d("67.70"), 1, d("27.90")),
        (autumn, "provider", "Y2", 1, 1, 1, d("67.70"), 0, None),
    ]


def test_net_promoter_score_by_survey_and_unit() -> None:
    answers = [9, 10, 6, 7]
    rows = [
        (
            *("experience", f"R{n}", "NPS", None, "Y1", "S1", "NPS", None, DAY, date(2017, 6, 1)),
            *("sv", None, None, answer),
        )
        for n, answer in enumerate([*answers, None])
    ]
    built = models()
    built.run(
        {
            "core.survey_response": rows,
            "core.guidance_assessment": [
                ("budget_experience", "recommendation", DAY, 3),
                ("budget_experience", "recommendation", DAY, None),
                ("budget_experience", "choice", DAY, 5),
            ],
        }
    )
    assert built.rows(
        "select survey_code, provider_id, language_code, response_count, promoter_count,"
        " detractor_count, net_promoter_score from mart.net_promoter order by survey_code desc"
    ) == [
        ("experience", "Y1", "sv", 4, 2, 1, Decimal("25.00")),
        ("budget_experience", None, None, 1, 0, 1, Decimal("-100.00")),
    ]
