"""Training the local need model, split by time, and keeping it as rows of the lake.

Here: profiles out of the lake, the split, the rows. Not here: the estimate (`fit`), expected cost
(`sql/core/expected_cost.sql`). A model is never fitted again for a recompute: its rows stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dagster_project.errors import SettingsError
from dagster_project.lake.connection import Lake
from dagster_project.lake.delivery import write_events
from dagster_project.lake.runs import Run
from dagster_project.need.fit import Coefficients, Profile, Quality, fit, judged

_EVENT_KEY = ("need", "need_model", 0)
_QUARTERS = (1, 4, 7, 10)
_PROFILES = """
    select
        profile.age_sex_code, profile.morbidity_codes, sum(lived.days) / 365.25,
        sum(coalesce(spent.eur, 0)), sum(coalesce(spent.eur, 0) ^ 2 * 365.25 / lived.days),
        count(*)
    from core.need_profile as profile
    inner join (
        select person_id, sum(resident_days) as days from core.person_month
        where exposure_month >= $from_date and exposure_month < $to_date group by person_id
    ) as lived using (person_id)
    left join (
        select person_id, cast(sum(cost_eur) as double) as eur from core.cost
        where cost_month >= $from_date and cost_month < $to_date
        and package_class_code in (
            select package_class_code from rulebook.capitation_basket
            where rulebook_id = $rulebook_id)
        group by person_id
    ) as spent using (person_id)
    where profile.index_month = $from_date and profile.has_history
    group by profile.age_sex_code, profile.morbidity_codes
    order by profile.age_sex_code, profile.morbidity_codes
"""


@dataclass(frozen=True)
class Trained:
    """A model that was trained, and how it did on a later time where there was one."""

    model_id: str
    index_month: date
    person_count: int
    test_index_month: date | None
    quality: Quality | None


def train(
    lake: Lake, run: Run, rulebook_id: str, *, valid_from_month: date, horizon_months: int = 12
) -> Trained:
    """Fit a model of the basket's cost and keep its coefficients, in force from a month on.

    It learns from who lived in the area `horizon_months` before that month and what they cost
    until then; whether it foresees is judged by one fitted a further horizon earlier.

    Raises:
        SettingsError: the month does not begin a quarter, or the lake holds no such time.
    """
    index_month = _back(valid_from_month, horizon_months)
    if index_month.month not in _QUARTERS or index_month.day != 1:
        raise SettingsError(
            f"the model would learn from {index_month}, which begins no quarter; choose a month or"
            " a horizon such that it does"
        )
    profiles, person_count = _profiles(lake, rulebook_id, index_month, valid_from_month)
    ages, groups = _terms(lake)
    model = _fitted(profiles, ages, groups, index_month)
    earlier = _back(index_month, horizon_months)
    quality = _judged(lake, rulebook_id, (earlier, index_month), profiles, (ages, groups))
    trained = Trained(
        f"{rulebook_id}-{valid_from_month:%Y-%m}-{run.run_id[:12]}",
        index_month,
        person_count,
        index_month if quality else None,
        quality,
    )
    _keep(lake, run, trained, model, rulebook_id, (valid_from_month, horizon_months))
    return trained


def _back(month: date, months: int) -> date:
    position = month.year * 12 + month.month - 1 - months
    return date(position // 12, position % 12 + 1, month.day)


def _profiles(
    lake: Lake, rulebook_id: str, from_date: date, to_date: date
) -> tuple[list[Profile], int]:
    values = {"rulebook_id": rulebook_id, "from_date": from_date, "to_date": to_date}
    rows = lake.connection.execute(_PROFILES, values).fetchall()
    profiles = [
        Profile(age, tuple(codes.split(",")) if codes else (), years, eur, squares)
        for age, codes, years, eur, squares, _ in rows
    ]
    return profiles, sum(row[-1] for row in rows)


def _terms(lake: Lake) -> tuple[list[str], list[str]]:
    """Every age and sex there is, and every morbidity of the rulebook."""
    ages = lake.rows("select distinct age_sex_code from core.need_profile order by all")
    groups = lake.rows(
        "select distinct morbidity_group_code from rulebook.morbidity_group order by all"
    )
    return [age for (age,) in ages], [group for (group,) in groups]


def _fitted(
    profiles: list[Profile], ages: list[str], groups: list[str], index_month: date
) -> Coefficients:
    try:
        return fit(profiles, ages, groups)
    except ValueError:
        raise SettingsError(
            f"the lake tells of no residents, or no cost of the basket, from {index_month} on;"
            " choose a later month, or a shorter horizon"
        ) from None


def _judged(
    lake: Lake,
    rulebook_id: str,
    earlier: tuple[date, date],
    later: list[Profile],
    terms: tuple[list[str], list[str]],
) -> Quality | None:
    """How a model of an earlier time did on the later one; None where the lake begins too late."""
    profiles, _ = _profiles(lake, rulebook_id, *earlier)
    try:
        return judged(fit(profiles, *terms), later)
    except ValueError:
        return None


def _keep(
    lake: Lake,
    run: Run,
    trained: Trained,
    model: Coefficients,
    rulebook_id: str,
    times: tuple[date, int],
) -> None:
    quality = trained.quality
    with lake.transaction():
        write_events(lake, [_EVENT_KEY], "trained", run)
        lake.execute(
            "insert into lake.ops.need_model_run"
            " select ?, max(event_id), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? from ops.delivery_event",
            [
                trained.model_id,
                rulebook_id,
                times[0],
                trained.index_month,
                times[1],
                trained.person_count,
                trained.test_index_month,
                quality.r_squared if quality else None,
                quality.age_sex_r_squared if quality else None,
                quality.calibration if quality else None,
                run.now(),
                run.run_id,
            ],
        )
        kinds = {"age_sex": model.age_sex, "morbidity": model.morbidity, "mean": model.mean}
        for kind, terms in kinds.items():
            for code, value in terms.items():
                lake.execute(
                    "insert into lake.ops.need_model_coefficient values (?, ?, ?, ?)",
                    [trained.model_id, kind, code, round(value, 9)],
                )
