"""Training the local need model in a lake: what it learns from, what it keeps, what is rebuilt.

Here: `need.training` over tables written by hand. Not here: the estimate (`test_need_fit`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from dagster_project.errors import SettingsError
from dagster_project.lake.builds import touched_sql
from dagster_project.need.training import train
from dagster_project.pipeline import Session
from dagster_project.settings import Settings
from tests.support.quick_lake import quick_home

MONTHS = [date(y, m, 1) for y in (2016, 2017) for m in range(1, 13)]
PEOPLE = 400


@pytest.fixture
def session(settings: Settings) -> Iterator[Session]:
    """A region of men of 40, every fourth a diabetic who costs 300 a year where others cost 100."""
    with quick_home(settings) as opened:
        lake = opened.lake
        lake.execute(
            "create table lake.core.need_profile as select person_id, index_month,"
            " '1:30-44' as age_sex_code,"
            " case when person_id % 4 = 0 then 'diabetes' else '' end as morbidity_codes,"
            " person_id <> 3 as has_history"
            f" from range({PEOPLE}) as people(person_id) cross join"
            " (select unnest(generate_series(date '2016-01-01', date '2017-10-01',"
            " interval 3 month))::date as index_month)"
        )
        lake.execute(
            "create table lake.core.register_month as select unnest(generate_series("
            "date '2016-01-01', date '2017-12-01', interval 1 month))::date as exposure_month"
        )
        lake.execute(
            "create table lake.core.person_month as select person_id, exposure_month,"
            " day(last_day(exposure_month)) as resident_days"
            f" from range({PEOPLE}) as people(person_id) cross join core.register_month"
        )
        lake.execute(
            "create table lake.core.cost as select person_id, exposure_month as cost_month,"
            " 'P01' as package_class_code, cast(case when person_id % 4 = 0 then 25 else 8.33 end"
            " as decimal(18, 2)) as cost_eur from core.person_month"
            " union all select 1, date '2017-03-01', 'P12', 99999"
        )
        yield opened


def trained(session: Session, month: date = date(2018, 1, 1), horizon: int = 12) -> str:
    done = train(
        session.lake, session.run, "reception_need", valid_from_month=month, horizon_months=horizon
    )
    return done.model_id


def test_coefficients_are_kept_as_rows_beside_how_well_they_foresee(session: Session) -> None:
    model_id = trained(session)
    (run,) = session.lake.rows(
        "select model_id, valid_from_month, index_month, horizon_months, person_count,"
        " test_index_month from ops.need_model_run"
    )
    # Who had no year of history teaches nothing.
    assert run == (
        model_id, date(2018, 1, 1), date(2017, 1, 1), 12, PEOPLE - 1, date(2017, 1, 1)
    )  # fmt: skip
    terms = {
        (kind, code): value
        for kind, code, value in session.lake.rows(
            "select term_kind, term_code, coefficient from ops.need_model_coefficient"
        )
    }
    assert terms["mean", "1:30-44"] == pytest.approx(150, rel=0.01)
    # exp(1.1) is 3; 25 person-years of doubt among 100 diabetics leave less.
    assert 0.7 < terms["morbidity", "diabetes"] < 1.1
    assert terms["morbidity", "heart"] == 0
    (quality,) = session.lake.rows(
        "select test_r_squared, test_age_sex_r_squared, test_calibration from ops.need_model_run"
    )
    assert quality[0] > 0.9
    assert quality[1] == pytest.approx(0, abs=0.01)
    assert quality[2] == pytest.approx(1, abs=0.01)


def test_without_an_earlier_time_it_is_not_judged(session: Session) -> None:
    trained(session, date(2017, 1, 1))
    assert session.lake.rows("select test_index_month, test_r_squared from ops.need_model_run") == [
        (None, None)
    ]


@pytest.mark.parametrize(
    ("month", "horizon", "said"),
    [
        (date(2018, 2, 1), 12, "2017-02-01, which begins no quarter"),
        (date(2030, 1, 1), 12, "no residents, or no cost of the basket, from 2029-01-01"),
        (date(2016, 1, 1), 12, "no residents, or no cost of the basket, from 2015-01-01"),
    ],
)
def test_a_time_the_lake_does_not_hold_is_refused(
    session: Session, month: date, horizon: int, said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        trained(session, month, horizon)
    assert session.lake.count("select count(*) from ops.need_model_run") == 0


def see_changed(
    session: Session,
    need_profile: str,
    first_choice: str = "date '2017-01-01' as first_choice_date limit 0",
) -> None:
    """Have the difference to the last green build be these rows."""
    for name, rows in (("need_profile", need_profile), ("first_choice", first_choice)):
        session.lake.execute(f"create or replace view memory.changed.{name} as select {rows}")


def test_quarters_after_a_first_choice_or_another_profile_are_reckoned_anew(
    session: Session,
) -> None:
    """Need goes by those who have chosen nobody, and by how ill they were when choice began."""
    model = session.definition.graph.model("core.expected_cost")
    none = "date '2017-01-01' as index_month limit 0"
    see_changed(session, none, "date '2017-06-10' as first_choice_date")
    july, october = date(2017, 7, 1), date(2017, 10, 1)
    assert set(session.lake.rows(touched_sql(model))) == {(july,), (october,)}
    see_changed(session, "date '2017-07-01' as index_month")
    assert set(session.lake.rows(touched_sql(model))) == {(july,), (october,)}


def test_every_quarter_is_reckoned_anew_after_a_training_and_none_after_a_build(
    session: Session,
) -> None:
    model = session.definition.graph.model("core.expected_cost")
    see_changed(session, need_profile="date '2017-01-01' as index_month limit 0")
    assert session.lake.rows(touched_sql(model)) == []
    trained(session)
    quarters = {date(y, m, 1) for y in (2016, 2017) for m in (1, 4, 7, 10)}
    assert {month for (month,) in session.lake.rows(touched_sql(model))} == quarters
    newest = session.lake.count("select max(event_id) from ops.delivery_event")
    session.lake.execute(
        "insert into lake.ops.build values (1, 1, ?, 0, '', timestamp '2018-01-01', 'r')", [newest]
    )
    assert session.lake.rows(touched_sql(model)) == []
