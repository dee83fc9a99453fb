"""A Tweedie regression with a log link over profiles: age and sex times what the person has.

Cost of a year has many noughts and a long tail, and grows in proportion: the variance goes as the
mean to the power 1.5, and each morbidity multiplies. Persons of one profile are one row, since
with a fixed power the estimate depends on their summed cost and exposure alone.

Here: estimates from arrays. Not here: where profiles come from (`training`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
POWER = 1.5
"""Between a Poisson count of events (1) and their gamma size (2): the usual middle for claims."""
RIDGE_YEARS = 25.0
"""Each coefficient is drawn to nought as though so many person-years had shown no difference."""
FEWEST_YEARS = 50.0
"""Below this an age and sex keeps the model's level and is not brought to its own cost."""
_ROUNDS = 100
_CLOSE = 1e-8


@dataclass(frozen=True)
class Profile:
    """Everybody of one age band and sex with the same morbidities."""

    age_sex_code: str
    morbidity_codes: tuple[str, ...]
    person_years: float
    cost_eur: float
    squares: float
    """Sum over persons of cost squared over person-years: what explained variance is told by."""


@dataclass(frozen=True)
class Coefficients:
    """Logarithms of euros a year by age and sex, and of the ratio by morbidity; means in euros."""

    age_sex: dict[str, float]
    morbidity: dict[str, float]
    mean: dict[str, float]

    def expected(self, profile: Profile) -> float:
        """Euros a year of a person of the profile."""
        own = sum(self.morbidity.get(code, 0.0) for code in profile.morbidity_codes)
        return float(np.exp(self.age_sex[profile.age_sex_code] + own))


@dataclass(frozen=True)
class Quality:
    """How well euros of a later year were foreseen: 1 is a perfect share or ratio."""

    r_squared: float
    age_sex_r_squared: float
    calibration: float


def fit(profiles: Sequence[Profile], ages: Sequence[str], groups: Sequence[str]) -> Coefficients:
    """Coefficients for every age and sex and every morbidity, seen in the profiles or not.

    The expected cost of all persons of an age and sex sums to what they cost, where they are many.

    Raises:
        ValueError: nobody lived or nothing cost anything, so that there is nothing to learn.
    """
    years = np.array([p.person_years for p in profiles])
    cost = np.array([p.cost_eur for p in profiles])
    if not years.sum() or cost.sum() <= 0:
        raise ValueError("there is no exposure, or no cost, to learn from")
    design = _design(profiles, ages, groups)
    overall = float(np.log(cost.sum() / years.sum()))
    ratio = np.maximum(cost, 0) / np.maximum(years, 1e-9) / np.exp(overall)
    beta = _regression(design, ratio, years)
    mean = np.exp(overall + design @ beta)
    return _calibrated(profiles, beta, mean, ages=ages, groups=groups, overall=overall)


def _design(profiles: Sequence[Profile], ages: Sequence[str], groups: Sequence[str]) -> Floats:
    column = {name: i for i, name in enumerate([*ages, *groups])}
    design = np.zeros((len(profiles), len(column)))
    for row, profile in enumerate(profiles):
        for name in (profile.age_sex_code, *profile.morbidity_codes):
            design[row, column[name]] = 1.0
    return design


def _regression(design: Floats, ratio: Floats, years: Floats) -> Floats:
    """Logarithms of the ratios to the mean of all, each drawn to nought."""
    from sklearn.linear_model import TweedieRegressor  # noqa: PLC0415 - a second; commands start

    model = TweedieRegressor(
        power=POWER,
        link="log",
        alpha=RIDGE_YEARS / years.sum(),  # the likelihood it is held against is a mean over years
        fit_intercept=False,
        solver="newton-cholesky",
        tol=_CLOSE,
        max_iter=_ROUNDS,
    )
    coefficients: Floats = model.fit(design, ratio, sample_weight=years).coef_
    return coefficients


def _calibrated(
    profiles: Sequence[Profile],
    beta: Floats,
    mean: Floats,
    *,
    ages: Sequence[str],
    groups: Sequence[str],
    overall: float,
) -> Coefficients:
    """Levels by age and sex, so that nobody's morbidity is paid for by another age."""
    age_sex, means = {}, {}
    for number, age in enumerate(ages):
        of_age = [i for i, p in enumerate(profiles) if p.age_sex_code == age]
        years = sum(profiles[i].person_years for i in of_age)
        cost = sum(profiles[i].cost_eur for i in of_age)
        fitted = sum(profiles[i].person_years * float(mean[i]) for i in of_age)
        level = cost / fitted if years >= FEWEST_YEARS and cost > 0 else 1.0
        age_sex[age] = overall + float(beta[number]) + float(np.log(level))
        means[age] = fitted * level / years if years else float(np.exp(age_sex[age]))
    morbidity = {g: float(beta[len(ages) + i]) for i, g in enumerate(groups)}
    return Coefficients(age_sex, morbidity, means)


def judged(model: Coefficients, profiles: Sequence[Profile]) -> Quality:
    """How well a model foresees persons it was not fitted on, at a later time.

    Raises:
        ValueError: all of them cost the same, so that there is nothing to explain.
    """
    years = sum(p.person_years for p in profiles)
    cost = sum(p.cost_eur for p in profiles)
    total = sum(p.squares for p in profiles) - cost * cost / years if years else 0.0
    if total <= 0 or cost <= 0:
        raise ValueError("there is no cost to foresee")
    foreseen = sum(p.person_years * model.expected(p) for p in profiles)
    unexplained = [_unexplained(p, model.expected(p)) for p in profiles]
    by_age = [_unexplained(p, model.mean[p.age_sex_code]) for p in profiles]
    return Quality(1 - sum(unexplained) / total, 1 - sum(by_age) / total, foreseen / cost)


def _unexplained(profile: Profile, expected: float) -> float:
    """Sum over the profile's persons of exposure times squared error."""
    return profile.squares - 2 * expected * profile.cost_eur + expected**2 * profile.person_years
