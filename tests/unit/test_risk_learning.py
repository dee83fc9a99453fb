"""Risk models in a lake: trained, judged, kept, promoted by rule, scored, described, and refused.

Here: `risk` over tables written by hand. Not here: measures (`tests/spec/test_risk_metrics`), the
models that make the tables (`tests/spec/test_risk_models`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from dagster_project.errors import SettingsError, TietoallasError
from dagster_project.lake import erasure
from dagster_project.pipeline import Session
from dagster_project.publish import risk
from dagster_project.risk import registry
from dagster_project.risk.card import write_cards
from dagster_project.risk.learning import evaluate_target, train_target
from dagster_project.risk.matrix import read_cohort
from dagster_project.risk.score import score_all
from dagster_project.settings import Settings
from tests.support.quick_lake import quick_home

TARGET = "housing_24h"
DAYS = {
    date(2017, 10, 1): "train",
    date(2018, 1, 1): "calibrate",
    date(2019, 1, 1): "test",
    date(2020, 1, 1): "score",
}
TEST, SCORE = date(2019, 1, 1), date(2020, 1, 1)
PEOPLE = 240
THREE = "other"
"""A language that three people speak."""


@pytest.fixture
def session(settings: Settings) -> Iterator[Session]:
    """Clients of home care; the worse the IADL score, the likelier housing, whatever the age."""
    with quick_home(settings) as opened:
        lake = opened.lake
        lake.execute(
            "create table lake.core.risk_index_month (index_month date, window_code varchar,"
            " horizon_end_month date); create table lake.core.guidance_outcome"
            " (person_id bigint, target_code varchar, is_acted_on boolean, outcome_date date)"
        )
        for day, window in DAYS.items():
            lake.execute(
                "insert into lake.core.risk_index_month values (?, ?, ?)",
                [day, window, day.replace(year=day.year + 1)],
            )
        known = ", ".join(f"{value} as {name}" for name, value in _FEATURES.items())
        lake.execute(
            f"create table lake.core.risk_features as select person_id, index_month, {known}"
            f" from range({PEOPLE}) as people(person_id) cross join core.risk_index_month"
        )
        lake.execute(
            "create table lake.core.risk_outcome as select person_id, index_month,"
            f" '{TARGET}' as target_code, cast(null as decimal(18, 2)) as horizon_cost_eur,"
            " case when window_code = 'score' then null"
            " when (person_id * 37 + month(index_month)) % 24 < iadl_score then 'event'"
            " when person_id % 50 = 0 then 'died' else 'none' end as outcome_code"
            " from core.risk_features inner join core.risk_index_month using (index_month)"
        )
        lake.execute(
            "create table lake.core.person as select person_id, case when person_id < 3 then 'so'"
            f" else 'fi' end as language_code from range({PEOPLE}) as people(person_id)"
        )
        lake.execute(
            "create table lake.core.person_month (person_id bigint, exposure_month date,"
            " municipality_code varchar)"
        )
        lake.execute(
            "create table lake.mart.risk_target_count as select target_code, index_month,"
            " 'test' as window_code, true as is_covered, count(*) as candidate_count,"
            " 1 as event_count, 0 as died_count, 0 as moved_count"
            " from core.risk_outcome group by all"
        )
        lake.execute(
            "insert into lake.ops.build values (1, 1, 0, 0, '', timestamp '2020-01-01', 'r')"
        )
        lake.execute(
            "create or replace view memory.main.identity_map as select person_id,"
            " cast(person_id as varchar) as identity_code from core.person"
        )
        yield opened


_NUMBER = "person_id * 7919 % 101"
_FEATURES = {
    "sex_code": "cast(1 + person_id % 2 as varchar)",
    "age_years": "70 + person_id % 25",
    "history_days": "case when person_id = 7 and index_month = date '2020-01-01' then 20"
    " else 365 end",
    "ladder_rank": "3",
    "iadl_score": "person_id * 5 % 22",
    "morbidity_codes": "case when person_id % 3 = 0 then 'dementia,heart' else '' end",
    "is_in_hospital": "false",
    "is_carer": "false",
    "carer_age_years": "cast(null as bigint)",
    "carer_encounter_count": "cast(null as bigint)",
    "week_hours": f"cast({_NUMBER} as decimal(18, 4))",
    **{
        f"{name}_eur": f"cast(100 * ({_NUMBER}) as decimal(18, 2))"
        for name in ("cost", "recent_cost", "hospital_cost", "social_cost")
    },
    **{
        f"{name}_count": f"({_NUMBER}) % {size}"
        for name, size in {
            "encounter": 30,
            "episode": 7,
            "emergency": 5,
            "stay": 3,
            "package": 6,
            "other_service": 2,
            "begun_step": 3,
            "open_application": 2,
            "refused_application": 2,
            "morbidity": 4,
        }.items()
    },
    "step_days": _NUMBER,
    **{f"{scale}_score": "person_id % 5" for scale in ("maple", "cps", "adlh")},
    **{f"first_{scale}_score": "1" for scale in ("maple", "cps", "adlh", "iadl")},
    "assessed_before_days": "100",
    "assessed_over_days": "200",
}


def test_a_model_is_kept_with_what_it_was_made_from_and_how_good_it_is(session: Session) -> None:
    judged = train_target(session.lake, session.run, TARGET)
    assert judged.is_promoted
    assert judged.auroc.value is not None
    assert judged.prior_auroc.value is not None
    assert judged.auroc.value > 0.7 > judged.prior_auroc.value + 0.1
    assert judged.unused["carer_age_years"] == "missing"
    assert judged.unused["is_in_hospital"] == "constant"
    assert session.lake.rows(
        "select model_id, train_month, calibrate_month, test_month, candidate_count from risk.model"
    ) == [(judged.model_id, *list(DAYS)[:3], PEOPLE)]
    told = session.lake.rows(
        "select measure_code, value from risk.measure where predictor_code = 'boosted_trees'"
        " and group_kind_code = 'all' and measure_code in ('cost_capture', 'brier') order by all"
    )
    assert told[1] == ("cost_capture", None)
    assert 0 < told[0][1] < 0.25


def test_a_kept_model_predicts_what_it_did(session: Session) -> None:
    train_target(session.lake, session.run, TARGET)
    cohort = read_cohort(session.lake, TARGET, [TEST])
    first, again = (
        registry.in_use(session.lake, TARGET).predictors[0].probabilities(cohort) for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)
    judged = evaluate_target(session.lake, TARGET)
    (kept,) = session.lake.rows(
        "select value from risk.measure where predictor_code = 'boosted_trees'"
        " and group_kind_code = 'all' and measure_code = 'auroc'"
    )
    assert kept == (judged.auroc.value,)


def test_a_group_of_three_tells_nothing(session: Session) -> None:
    train_target(session.lake, session.run, TARGET)
    rows = session.lake.rows(
        "select distinct candidate_count, value, low_value from risk.measure"
        f" where group_kind_code = 'language' and group_code = '{THREE}'"
    )
    assert rows == [(3, None, None)]


def test_a_group_that_risk_is_wrong_of_is_flagged(session: Session) -> None:
    """Half of what would have happened in one municipality does not."""
    session.lake.execute(
        "insert into lake.core.person_month select person_id, date '2018-12-01',"
        " case when person_id % 2 = 0 then '106' else '186' end from core.person"
    )
    assert "municipality" not in " ".join(train_target(session.lake, session.run, TARGET).flagged)
    session.lake.execute(
        "update lake.core.risk_outcome set outcome_code = 'none' where outcome_code = 'event'"
        f" and person_id % 2 = 0 and person_id % 3 > 0 and index_month = date '{TEST}'"
    )
    judged = evaluate_target(session.lake, TARGET)
    assert [group for group in judged.flagged if "municipality" in group] == ["municipality 106"]
    told = session.lake.rows(
        "select group_code, measure_code, value, low_value < 0.8 from risk.measure"
        " where group_kind_code = 'municipality' and measure_code in"
        " ('is_flagged', 'observed_to_predicted') order by all"
    )
    assert [
        (group, measure, measure == "is_flagged" and value) for group, measure, value, _ in told
    ] == [
        ("106", "is_flagged", 1),
        ("106", "observed_to_predicted", False),
        ("186", "is_flagged", 0),
        ("186", "observed_to_predicted", False),
    ]


def test_the_same_data_make_no_better_model(session: Session) -> None:
    first = train_target(session.lake, session.run, TARGET)
    session.lake.execute("update lake.risk.model set model_id = 'former'")
    session.lake.execute("update lake.risk.promotion set model_id = 'former'")
    second = train_target(session.lake, session.run, TARGET)
    assert first.auroc == second.auroc
    assert not second.is_promoted
    assert second.reason == "AUROC +0.0000 to +0.0000 against former"
    assert registry.promoted_id(session.lake, TARGET) == "former"


def test_a_worse_model_is_replaced(session: Session) -> None:
    """The first learns from a time in which all was the other way round."""
    turned = (
        "update lake.core.risk_outcome set outcome_code ="
        " case when outcome_code = 'event' then 'none' else 'event' end"
        " where index_month < date '2020-01-01'"
    )
    session.lake.execute(turned)
    train_target(session.lake, session.run, TARGET)
    session.lake.execute("update lake.risk.model set model_id = 'former'")
    session.lake.execute("update lake.risk.promotion set model_id = 'former'")
    session.lake.execute(turned)
    assert train_target(session.lake, session.run, TARGET).is_promoted
    assert registry.promoted_id(session.lake, TARGET) != "former"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "delete from lake.core.risk_index_month where window_code = 'train'",
            "no window to train",
        ),
        ("delete from lake.core.risk_outcome", "nobody is a candidate on 2017-10-01"),
        (
            "update lake.core.risk_outcome set outcome_code = 'none'"
            " where index_month = date '2019-01-01'",
            f"nobody of {PEOPLE} candidates in the test window had the event",
        ),
        (
            "update lake.core.risk_outcome set outcome_code = 'event'"
            " where index_month = date '2018-01-01'",
            f"everybody of {PEOPLE} candidates in the calibration window had the event",
        ),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(session: Session, change: str, said: str) -> None:
    session.lake.execute(change)
    with pytest.raises((TietoallasError, SettingsError), match=said):
        train_target(session.lake, session.run, TARGET)
    assert session.lake.count("select count(*) from risk.model") == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("library_versions = 'scikit-learn 0.9'", "was made with scikit-learn 0.9, and here are"),
        ("artefact = 'PK'::blob", "the bytes of model .* are not those that were kept"),
    ],
)
def test_a_model_from_elsewhere_is_not_loaded(session: Session, change: str, said: str) -> None:
    train_target(session.lake, session.run, TARGET)
    session.lake.execute(f"update lake.risk.model set {change}")
    with pytest.raises(TietoallasError, match=said):
        score_all(session.lake, session.run)
    assert session.lake.count("select count(*) from risk.score") == 0


def test_nobody_is_scored_before_a_training(session: Session) -> None:
    with pytest.raises(TietoallasError, match="no model has been trained"):
        score_all(session.lake, session.run)
    with pytest.raises(TietoallasError, match="no model of housing_24h has been trained"):
        evaluate_target(session.lake, TARGET)


def test_everybody_has_a_score_with_reasons_or_a_row_that_says_why_not(session: Session) -> None:
    train_target(session.lake, session.run, TARGET)
    (done,) = score_all(session.lake, session.run)
    assert (done.index_month, done.scored_count, done.no_history_count) == (SCORE, PEOPLE - 1, 1)
    lake = session.lake
    assert lake.rows(
        "select person_id, score_state_code, probability, percentile, first_reason_code"
        " from risk.score where score_state_code <> 'scored'"
    ) == [(7, "no_history", None, None, None)]
    assert not lake.count(
        "select count(*) from risk.score where score_state_code = 'scored' and not coalesce("
        "low_probability <= probability and probability <= high_probability"
        " and percentile >= 0 and percentile < 100, false)"
    )
    top = lake.rows("select first_reason_code from risk.score where percentile >= 90")
    assert max(set(top), key=top.count) == ("functioning",)
    # Nothing lifts who is below the mean.
    assert not lake.count(
        "select count(*) from risk.score where percentile < 20 and first_reason_code is not null"
    )
    assert lake.count("select count(*) from risk.drift where stability_index is not null") > 20


def test_scoring_again_replaces_the_days_scores(session: Session) -> None:
    train_target(session.lake, session.run, TARGET)
    score_all(session.lake, session.run)
    before = session.lake.rows("from risk.score order by all")
    score_all(session.lake, session.run)
    assert session.lake.rows("from risk.score order by all") == before


def test_client_guides_see_the_newest_scores_under_ids_of_their_own(session: Session) -> None:
    session.lake.execute(
        "create or replace temp table audience_person as"
        " select person_id, 1000 + person_id as audience_person_id from core.person"
    )
    train_target(session.lake, session.run, TARGET)
    score_all(session.lake, session.run)
    session.lake.execute("create view memory.release.score as from lake.risk.score")
    query = (risk.QUERIES / "risk_scores.sql").read_text(encoding="utf-8")
    rows = session.lake.rows(
        f"select person_id, index_date, first_reason_en from ({query}) where percentile >= 90"
        " order by person_id"
    )
    assert len(rows) > 10
    assert all(person >= 1000 and day == SCORE for person, day, _ in rows)
    assert ("functioning at the last assessment") in {reason for *_, reason in rows}


def test_client_guides_see_who_would_gain_by_joint_care_and_nobody_else(session: Session) -> None:
    """The worklist's own rows, those and no others, under the guides' ids; reasons are words."""
    session.lake.execute(
        "create view memory.release.joint_care_worklist as select 7 as person_id,"
        " date '2018-10-01' as quarter_start_date, 1 as joint_care_rank, 6 as sign_points,"
        " 'a' as reasons_fi, 'b' as reasons_sv, 'c' as reasons_en, 4 as package_count,"
        " 3 as organisation_count, 45 as longest_gap_days"
    )
    session.lake.execute(
        "create or replace temp table audience_person as"
        " select person_id, 1000 + person_id as audience_person_id from core.person"
    )
    query = (risk.QUERIES / "joint_care.sql").read_text(encoding="utf-8")
    assert session.lake.rows(query) == [(1007, date(2018, 10, 1), 1, 6, "a", "b", "c", 4, 3, 45)]


def test_who_is_erased_leaves_the_scores(session: Session) -> None:
    train_target(session.lake, session.run, TARGET)
    score_all(session.lake, session.run)
    catalogue = session.definition.catalogue
    erasure.erase_persons(session.lake, catalogue, session.run, frozenset({5}))
    assert session.lake.count("select count(*) from risk.score") == PEOPLE - 1
    assert not session.lake.count("select count(*) from risk.score where person_id = 5")


def test_the_card_says_what_the_score_is_not_for(session: Session, tmp_path: Path) -> None:
    train_target(session.lake, session.run, TARGET)
    score_all(session.lake, session.run)
    folder = write_cards(session.lake, tmp_path / "card")
    assert sorted(path.name for path in folder.iterdir()) == [
        f"model_card_{language}.{form}" for language in ("en", "fi") for form in ("html", "md")
    ]
    page, text = ((folder / f"model_card_en.{form}").read_text() for form in ("html", "md"))
    for told in ("It never decides", "high-risk use", "Private and occupational care are not seen"):
        assert told in page
        assert told in text
    assert "| language other | 3 |" in text
    assert "not available" in text
    assert page.count("<svg") == 2
    assert "http" not in page
    assert "ei koskaan päätä" in (folder / "model_card_fi.md").read_text()
    with pytest.raises(SettingsError, match="exists"):
        write_cards(session.lake, folder)
