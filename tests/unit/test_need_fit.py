"""The local need model's estimate: what it finds where the truth is known, and what it promises.

Here: profiles made from known multipliers. Not here: profiles out of a lake (`test_need_training`).
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from dagster_project.need.fit import Coefficients, Profile, fit, judged

AGES = ("1:18-29", "1:30-44", "2:18-29", "2:30-44")
BASE = dict(zip(AGES, (100.0, 150.0, 180.0, 240.0), strict=True))
RATIO = {"diabetes": 2.0, "heart": 1.5, "rare": 3.0}


def truth(age: str, codes: tuple[str, ...]) -> float:
    return float(BASE[age] * np.prod([RATIO[c] for c in codes]))


def profiles(years: float, *, noise: int | None = None) -> list[Profile]:
    """Every age and sex with and without diabetes and heart disease; nobody has the rare one."""
    rng = np.random.default_rng(noise or 0)
    found = []
    for age, diabetic, heart in product(AGES, (False, True), (False, True)):
        codes = (*(("diabetes",) if diabetic else ()), *(("heart",) if heart else ()))
        people = int(years * (0.2 if diabetic else 1) * (0.3 if heart else 1))
        mean = truth(age, codes)
        each = mean * rng.gamma(0.5, 2.0, people) if noise else np.full(people, mean)
        found.append(Profile(age, codes, float(people), float(each.sum()), float((each**2).sum())))
    return found


def fitted(years: float, *, noise: int | None = None) -> Coefficients:
    return fit(profiles(years, noise=noise), AGES, list(RATIO))


def test_known_multipliers_are_found() -> None:
    model = fitted(100_000)
    assert np.exp(model.morbidity["diabetes"]) == pytest.approx(2.0, rel=0.01)
    assert np.exp(model.morbidity["heart"]) == pytest.approx(1.5, rel=0.01)
    for profile in profiles(1000):
        due = truth(profile.age_sex_code, profile.morbidity_codes)
        assert model.expected(profile) == pytest.approx(due, rel=0.01)


def test_what_nobody_has_counts_for_nothing() -> None:
    assert fitted(1000).morbidity["rare"] == pytest.approx(0, abs=1e-9)


def test_little_experience_is_drawn_to_nought() -> None:
    few, many = fitted(60).morbidity["diabetes"], fitted(6000).morbidity["diabetes"]
    assert 0 < few < many < np.log(2.0)


@pytest.mark.parametrize("noise", [1, 2])
def test_expected_cost_of_an_age_and_sex_is_what_it_cost(noise: int) -> None:
    made = profiles(2000, noise=noise)
    model = fit(made, AGES, list(RATIO))
    for age in AGES:
        of_age = [p for p in made if p.age_sex_code == age]
        cost = sum(p.cost_eur for p in of_age)
        years = sum(p.person_years for p in of_age)
        assert sum(p.person_years * model.expected(p) for p in of_age) == pytest.approx(cost)
        assert model.mean[age] == pytest.approx(cost / years)


def test_an_age_nobody_lives_in_has_the_regions_level() -> None:
    made = [p for p in profiles(1000) if p.age_sex_code != AGES[3]]
    model = fit(made, AGES, list(RATIO))
    overall = sum(p.cost_eur for p in made) / sum(p.person_years for p in made)
    assert model.mean[AGES[3]] == pytest.approx(overall, rel=1e-6)


def test_morbidity_explains_what_age_and_sex_cannot() -> None:
    """Without noise all of the variance; with it, more than age and sex, near what can be."""
    plain = judged(fitted(100_000), profiles(1000))
    assert plain.r_squared == pytest.approx(1, abs=1e-3)
    assert plain.calibration == pytest.approx(1, abs=1e-3)
    assert plain.age_sex_r_squared < 0.6
    later = judged(fitted(20_000, noise=3), profiles(20_000, noise=4))
    best = judged(Coefficients(
        {a: float(np.log(e)) for a, e in BASE.items()},
        {g: float(np.log(r)) for g, r in RATIO.items()},
        BASE,
    ), profiles(20_000, noise=4))  # fmt: skip
    assert later.age_sex_r_squared < later.r_squared < best.r_squared + 0.001
    assert later.r_squared > best.r_squared - 0.01


def test_there_is_nothing_to_learn_from_nothing() -> None:
    with pytest.raises(ValueError, match="no exposure, or no cost"):
        fit([Profile(AGES[0], (), 10.0, 0.0, 0.0)], AGES, [])
    with pytest.raises(ValueError, match="no exposure, or no cost"):
        fit([], AGES, [])
    with pytest.raises(ValueError, match="no cost to foresee"):
        judged(fitted(1000), [])
