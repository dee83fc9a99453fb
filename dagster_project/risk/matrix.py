"""Features and outcomes of a window out of the lake, as numbers a model takes.

Here: reading and shaping them. Not here: which days a window has (`splits`), what a feature counts
(`sql/core/risk_features.sql`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dagster_project.errors import TietoallasError
from dagster_project.lake.connection import Lake

Floats = NDArray[np.float64]
Objects = NDArray[Any]
Columns = dict[str, Any]
"""Arrays of numpy by column, masked where a value is missing."""

_ROWS = """
    select
        features.* exclude (
            week_hours, cost_eur, recent_cost_eur, hospital_cost_eur, social_cost_eur
        ),
        cast(features.week_hours as double) as week_hours,
        cast(features.cost_eur as double) as cost_eur,
        cast(features.recent_cost_eur as double) as recent_cost_eur,
        cast(features.hospital_cost_eur as double) as hospital_cost_eur,
        cast(features.social_cost_eur as double) as social_cost_eur,
        outcome.outcome_code,
        cast(outcome.horizon_cost_eur as double) as horizon_cost_eur,
        person.language_code,
        coalesce(lived.municipality_code, '') as municipality_code,
        acted.person_id is not null as is_acted_on
    from core.risk_outcome as outcome
    inner join core.risk_features as features using (person_id, index_month)
    inner join core.person as person using (person_id)
    left join core.person_month as lived
        on outcome.person_id = lived.person_id
        and lived.exposure_month = cast(outcome.index_month - interval 1 month as date)
    cross join rulebook.risk_window as rule
    left join (
        select distinct acted.person_id, acted.target_code, index_day.index_month
        from core.guidance_outcome as acted
        inner join core.risk_index_month as index_day
            on acted.outcome_date >= index_day.index_month
            and acted.outcome_date < index_day.horizon_end_month
        where acted.is_acted_on
    ) as acted using (person_id, target_code, index_month)
    where outcome.target_code = $target_code and list_contains($index_months, outcome.index_month)
    and features.history_days >= rule.least_history_days
    order by outcome.index_month, outcome.person_id
"""


@dataclass(frozen=True)
class Feature:
    """A column of the matrix: how it is had, and under which reason it is told."""

    name: str
    reason_code: str
    take: Callable[[Columns], Floats]


@dataclass(frozen=True)
class Cohort:
    """Candidates of a target on some index days; row i of everything is one of them."""

    person_ids: NDArray[np.int64]
    index_months: Objects
    values: Floats
    """One column for each name in `names`; missing is nan."""
    names: tuple[str, ...]
    outcome_codes: Objects
    """`event`, `died`, `moved` or `none`; None where the horizon is not over."""
    horizon_cost_eur: Floats
    """Of the year foreseen; nan where the target does not go by it."""
    groups: dict[str, Objects]
    """Of each kind of group, which one the candidate belongs to."""

    def __len__(self) -> int:
        return len(self.person_ids)

    @property
    def events(self) -> Floats:
        """1 for who had the event, whatever came after; 0 for the others, competing ends too."""
        happened: Floats = (self.outcome_codes == "event").astype(np.float64)
        return happened

    def columns(self, names: Sequence[str]) -> Floats:
        """Some of the columns, in this order."""
        position = {name: i for i, name in enumerate(self.names)}
        return self.values[:, [position[name] for name in names]]

    def only(self, chosen: NDArray[np.bool_]) -> Cohort:
        """Some of the candidates."""
        return Cohort(
            self.person_ids[chosen],
            self.index_months[chosen],
            self.values[chosen],
            self.names,
            self.outcome_codes[chosen],
            self.horizon_cost_eur[chosen],
            {kind: group[chosen] for kind, group in self.groups.items()},
        )


def _plain(name: str) -> Callable[[Columns], Floats]:
    return lambda columns: _numbers(columns[name])


def _numbers(column: Any) -> Floats:  # noqa: ANN401 - an array of numpy, masked or not
    numbers: Floats = np.ma.filled(np.ma.asarray(column).astype(np.float64), np.nan)
    return numbers


def _log(name: str) -> Callable[[Columns], Floats]:
    return lambda columns: np.log1p(np.maximum(_numbers(columns[name]), 0))


def _a_year(name: str, *, of_days: float | None = None) -> Callable[[Columns], Floats]:
    """Logarithm of a sum or count, brought to a year by the days that it was counted over."""

    def take(columns: Columns) -> Floats:
        days = np.maximum(_numbers(columns["history_days"]), 1)
        counted = np.minimum(days, of_days) if of_days else days
        yearly: Floats = np.log1p(np.maximum(_numbers(columns[name]), 0) * 365.25 / counted)
        return yearly

    return take


def _slope(scale: str) -> Callable[[Columns], Floats]:
    """Points a year between the earliest and the newest assessment; missing where they are one."""

    def take(columns: Columns) -> Floats:
        years = _numbers(columns["assessed_over_days"]) / 365.25
        grown = _numbers(columns[f"{scale}_score"]) - _numbers(columns[f"first_{scale}_score"])
        return np.where(years > 0.2, grown / np.where(years > 0.2, years, 1), np.nan)

    return take


def _is(name: str, value: object) -> Callable[[Columns], Floats]:
    return lambda columns: (np.ma.getdata(columns[name]) == value).astype(np.float64)


def _has(group: str) -> Callable[[Columns], Floats]:
    def take(columns: Columns) -> Floats:
        texts, which = np.unique(
            np.ma.getdata(columns["morbidity_codes"]).astype(str), return_inverse=True
        )
        held = np.array([group in text.split(",") for text in texts], dtype=np.float64)
        return held[which]

    return take


_SCALES = ("maple", "cps", "adlh", "iadl")
BASELINE = ("age_years", "age_years_squared", "cost_a_year")
"""Columns of the prior-cost-and-age baseline."""


def features(morbidity_groups: Sequence[str]) -> tuple[Feature, ...]:
    """All features, those of morbidity by the rulebook's groups."""
    return (
        Feature("age_years", "age", _plain("age_years")),
        Feature("age_years_squared", "age", lambda c: _numbers(c["age_years"]) ** 2 / 100),
        Feature("is_female", "age", _is("sex_code", "2")),
        Feature("cost_a_year", "cost", _a_year("cost_eur")),
        Feature("recent_cost_a_year", "cost", _a_year("recent_cost_eur", of_days=91.3)),
        Feature("hospital_cost_a_year", "hospital", _a_year("hospital_cost_eur")),
        Feature("social_cost_a_year", "services", _a_year("social_cost_eur")),
        Feature("encounters_a_year", "contacts", _a_year("encounter_count")),
        Feature("episodes_a_year", "hospital", _a_year("episode_count")),
        Feature("emergencies_a_year", "emergency", _a_year("emergency_count")),
        Feature("stays_a_year", "hospital", _a_year("stay_count")),
        Feature("is_in_hospital", "hospital", _plain("is_in_hospital")),
        Feature("package_count", "services", _plain("package_count")),
        Feature("other_service_count", "services", _plain("other_service_count")),
        Feature("week_hours", "services", _log("week_hours")),
        Feature("ladder_rank", "step", _plain("ladder_rank")),
        *(Feature(f"is_rank_{n}", "step", _is("ladder_rank", n)) for n in range(1, 7)),
        Feature("step_days", "step", _log("step_days")),
        Feature("begun_step_count", "step", _plain("begun_step_count")),
        Feature("open_application_count", "application", _plain("open_application_count")),
        Feature("refused_application_count", "application", _plain("refused_application_count")),
        Feature("is_carer", "carer", _plain("is_carer")),
        Feature("carer_age_years", "carer", _plain("carer_age_years")),
        Feature("carer_encounters", "carer", _log("carer_encounter_count")),
        *(Feature(f"{s}_score", "functioning", _plain(f"{s}_score")) for s in _SCALES),
        *(Feature(f"{s}_a_year", "decline", _slope(s)) for s in _SCALES),
        Feature("assessed_before_days", "functioning", _plain("assessed_before_days")),
        Feature("morbidity_count", "morbidity", _plain("morbidity_count")),
        *(Feature(f"has_{g}", "morbidity", _has(g)) for g in morbidity_groups),
    )


def all_features(lake: Lake) -> tuple[Feature, ...]:
    """The features that this lake's rulebooks make."""
    groups = lake.rows(
        "select distinct morbidity_group_code from rulebook.morbidity_group order by all"
    )
    return features([group for (group,) in groups])


def read_cohort(lake: Lake, target_code: str, index_months: Sequence[date]) -> Cohort:
    """Candidates of a target on some index days, in order of day and person.

    Those with less history than the rulebook asks are left out: nothing is foreseen of them.

    Raises:
        TietoallasError: there are none.
    """
    values = {"target_code": target_code, "index_months": list(index_months)}
    columns: Columns = lake.execute(_ROWS, values).fetchnumpy()
    if not len(columns["person_id"]):
        days = ", ".join(str(month) for month in index_months)
        raise TietoallasError(f"{target_code}: nobody is a candidate on {days}; nothing was done")
    known = all_features(lake)
    return Cohort(
        np.ma.getdata(columns["person_id"]),
        np.ma.getdata(columns["index_month"]).astype("datetime64[D]"),
        np.stack([feature.take(columns) for feature in known], axis=1),
        tuple(feature.name for feature in known),
        np.ma.filled(np.ma.asarray(columns["outcome_code"]).astype(object), None),
        _numbers(columns["horizon_cost_eur"]),
        _groups(columns),
    )


def _groups(columns: Columns) -> dict[str, Objects]:
    age = _numbers(columns["age_years"])
    starts, names = (
        np.array([18, 45, 65, 75, 85]),
        np.array(["0-17", "18-44", "45-64", "65-74", "75-84", "85-"], dtype=object),
    )
    language = np.ma.filled(np.ma.asarray(columns["language_code"]).astype(object), "")
    return {
        "sex": np.ma.getdata(columns["sex_code"]).astype(object),
        "age": names[np.searchsorted(starts, age, side="right")],
        "language": np.where(np.isin(language, ["fi", "sv"]), language, "other").astype(object),
        "municipality": np.ma.getdata(columns["municipality_code"]).astype(object),
        # Where a guide acted, less may come true: models are judged apart there.
        "guidance": np.where(columns["is_acted_on"], "acted_on", "not_acted_on").astype(object),
    }
