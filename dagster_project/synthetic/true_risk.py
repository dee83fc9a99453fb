"""The true risk of a client of the ladder: the generator's own rules, run onward many times.

It knows the latent need, which no delivery tells, so no model can do better on what is delivered.

Here: need and moves up the ladder over a horizon, from a state the generator noted. Not here: the
rules' shares (`parameters/*.yaml`), how the region itself is drawn (`social`, `people`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from dagster_project.synthetic.draws import Floats, Ints, Mask, age_groups
from dagster_project.synthetic.months import DAYS_A_YEAR
from dagster_project.synthetic.parameters import Parameters, Section
from dagster_project.synthetic.social import LADDER

_INFORMAL, _HOUSING = LADDER.index("informal_care"), LADDER.index("housing_24h")
_DAYS_A_MONTH = DAYS_A_YEAR / 12


@dataclass
class _Fate:
    """Clients, each as often as they are run onward; element i of every array is one run."""

    age: Floats
    female: Mask
    frailty: Floats
    need: Floats
    drift: Floats
    step: Ints
    has_carer: Mask
    assessed_before: Ints
    carer_age: Floats
    carer_female: Mask
    carer_frailty: Floats
    carer_gone: Mask
    """Whether there is no carer whom the generator knows."""
    here: Mask


def true_risks(
    state: pl.DataFrame,
    maple: Ints,
    parameters: Parameters,
    *,
    seed: int,
    months: int = 12,
    repeats: int = 200,
) -> tuple[Floats, Floats]:
    """Each client's probability of growing need, and of entering 24-hour housing.

    Half a run is added to either end, since no run of so many is not never.

    Args:
        state: Clients on a day, with the columns of `true_state.parquet`.
        maple: Each one's newest MAPLe score as delivered; 0 where there is none.
        parameters: The generator's.
        seed: Of the runs.
        months: Horizon.
        repeats: Runs for each client.
    """
    rng = np.random.default_rng(seed)
    grown, housed = np.zeros(len(state)), np.zeros(len(state))
    for _ in range(repeats):
        fate = _begun(state)
        first_step, rose = fate.step.copy(), np.zeros(len(state), dtype=np.bool_)
        entered = rose.copy()
        for _month in range(months):
            climbed, score = _month_of(rng, fate, parameters)
            rose |= (fate.step > first_step) | ((maple > 0) & (score > maple))
            entered |= climbed & (fate.step >= _HOUSING) & (first_step < _HOUSING)
        grown += rose
        housed += entered
    return (grown + 0.5) / (repeats + 1), (housed + 0.5) / (repeats + 1)


def _begun(state: pl.DataFrame) -> _Fate:
    carer_age = (state["index_day"] - state["carer_birth"]) / DAYS_A_YEAR
    return _Fate(
        age=((state["index_day"] - state["birth"]) / DAYS_A_YEAR).to_numpy(),
        female=state["female"].to_numpy(),
        frailty=state["frailty"].to_numpy(),
        need=state["need"].to_numpy().copy(),
        drift=state["drift"].to_numpy(),
        step=state["step"].to_numpy().copy(),
        has_carer=state["has_carer"].to_numpy(),
        assessed_before=state["assessed_before"].to_numpy().copy(),
        carer_age=carer_age.fill_null(0).to_numpy(),
        carer_female=state["carer_female"].fill_null(False).to_numpy(),
        carer_frailty=state["carer_frailty"].fill_null(1).to_numpy(),
        carer_gone=state["carer_birth"].is_null().to_numpy().copy(),
        here=np.ones(len(state), dtype=np.bool_),
    )


def _month_of(rng: np.random.Generator, fate: _Fate, parameters: Parameters) -> tuple[Mask, Ints]:
    """Run everybody a month onward; who began on a step, and MAPLe of those assessed (else 0)."""
    settings: Section = parameters.social
    size = len(fate.need)
    fate.here &= rng.random(size) >= _exit(fate.age, fate.female, fate.frailty, parameters)
    leaves = _exit(fate.carer_age, fate.carer_female, fate.carer_frailty, parameters)
    lost = ~fate.carer_gone & (rng.random(size) < leaves)
    fate.need += settings["need"]["monthly_chance"] * rng.normal(size=size)
    climbed = _climb(rng, fate, lost, settings)
    fate.carer_gone |= lost
    score = _assessed(rng, fate, climbed, settings["assessments"])
    fate.need += fate.drift / 12 + settings["need"]["per_decade"] / 120
    fate.age = fate.age + _DAYS_A_MONTH / DAYS_A_YEAR
    return climbed, score


def _exit(age: Floats, female: Mask, frailty: Floats, parameters: Parameters) -> Floats:
    """Monthly hazard of death or of moving away."""
    rates = parameters.dynamics
    level = np.where(female, rates["death"]["female"], rates["death"]["male"])
    death = level * np.exp(rates["death"]["slope"] * age) * np.sqrt(frailty) / 12
    mobile = np.array(rates["moving_by_age"])[age_groups(age)] / 12_000
    hazard: Floats = np.minimum(death, 0.5) + mobile * rates["moved_out_per_1000"]
    return hazard


def _climb(rng: np.random.Generator, fate: _Fate, lost: Mask, settings: Section) -> Mask:
    wanted, size = _wanted(fate, settings["thresholds"]), len(fate.need)
    up = (wanted > fate.step) & (rng.random(size) < settings["climb_share"])
    down = (wanted < fate.step) & (fate.step < _INFORMAL)
    down &= rng.random(size) < settings["recover_share"]
    tired = (fate.step == _INFORMAL) & (rng.random(size) < _strain(fate, lost, settings))
    target = np.where(tired, np.maximum(wanted, _HOUSING), wanted)
    moves = fate.here & (up | down | tired) & (target != fate.step)
    fate.step[moves] = target[moves]
    begun: Mask = moves & (fate.step > 0)
    return begun


def _wanted(fate: _Fate, limits: Section) -> Ints:
    rank = np.zeros(len(fate.need), dtype=np.int64)
    for step, name in enumerate(LADDER):
        if name in limits:
            rank[fate.need >= limits[name]] = step
    at_home = (rank >= LADDER.index("home_care")) & (rank < _HOUSING) & fate.has_carer
    rank[at_home] = _INFORMAL
    return rank


def _strain(fate: _Fate, lost: Mask, settings: Section) -> Floats:
    rule = settings["carer_strain"]
    over = fate.need - settings["thresholds"]["home_care"]
    frailty = np.where(fate.carer_gone, 1.0, fate.carer_frailty)
    hazard = rule["base"] * np.exp(rule["slope"] * over) * (0.6 + 0.4 * frailty)
    capped: Floats = np.minimum(np.where(lost, rule["when_carer_goes"], hazard), 0.6)
    return capped


def _assessed(rng: np.random.Generator, fate: _Fate, climbed: Mask, settings: Section) -> Ints:
    """MAPLe of those assessed in the month; 0 for the others."""
    size, scale = len(fate.need), settings["scales"]["MAPLe"]
    due = (fate.assessed_before >= settings["every_months"]) | climbed
    chosen = due & (fate.step >= 2) & fate.here & (rng.random(size) < settings["assessed_share"])
    share = (fate.need - scale["from"]) / (scale["to"] - scale["from"])
    share = share + scale["chance"] * rng.normal(size=size)
    width = scale["high"] - scale["low"]
    score = scale["low"] + np.rint(np.clip(share, 0, 1) * width).astype(np.int64)
    fate.assessed_before = np.where(chosen, 0, fate.assessed_before) + 1
    found: Ints = np.where(chosen, score, 0)
    return found
