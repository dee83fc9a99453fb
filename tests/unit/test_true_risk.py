"""The generator's own risk of a client: sure where need has outgrown the step, nil where it cannot.

Here: `synthetic.true_risk`. Not here: how a region is drawn (`test_synthetic_apotti`).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from dagster_project.synthetic.parameters import load_parameters
from dagster_project.synthetic.social import LADDER
from dagster_project.synthetic.true_risk import true_risks

DAY = 17_897
"""1.1.2019 in days from 1970-01-01."""


def client(**known: object) -> pl.DataFrame:
    """A woman of 70 in regular home care, without a carer, who declines no further."""
    usual: dict[str, object] = {
        "index_day": DAY,
        "step": LADDER.index("regular_home_care"),
        "need": 3.5,
        "drift": 0.0,
        "birth": DAY - 70 * 365,
        "female": True,
        "frailty": 0.1,
        "has_carer": False,
        "assessed_before": 1,
        "carer_birth": None,
        "carer_female": None,
        "carer_frailty": None,
    }
    types = {"carer_birth": pl.Int64, "carer_female": pl.Boolean, "carer_frailty": pl.Float64}
    return pl.DataFrame({k: [v] for k, v in (usual | known).items()}, schema_overrides=types)


def risks(state: pl.DataFrame, maple: int = 0) -> tuple[float, float]:
    grown, housed = true_risks(state, np.array([maple]), load_parameters(), seed=1, repeats=200)
    return float(grown[0]), float(housed[0])


def test_who_has_outgrown_the_step_climbs_and_who_has_not_does_not() -> None:
    grown, housed = risks(client(need=5.0))
    assert grown > 0.95
    assert housed > 0.95
    grown, housed = risks(client(need=3.2))
    assert grown < 0.05
    assert housed < 0.05


def test_a_carer_who_may_go_is_a_risk_of_its_own() -> None:
    at_home = {"step": LADDER.index("informal_care"), "need": 3.4, "has_carer": True}
    young = {"carer_birth": DAY - 50 * 365, "carer_female": True, "carer_frailty": 0.2}
    old = {"carer_birth": DAY - 95 * 365, "carer_female": False, "carer_frailty": 4.0}
    assert risks(client(**at_home, **old))[1] > risks(client(**at_home, **young))[1] + 0.1


def test_a_higher_score_counts_where_there_was_one() -> None:
    due = client(need=3.9, assessed_before=12)
    assert risks(due, maple=2)[0] > 0.9 > risks(due, maple=5)[0]


def test_the_same_seed_gives_the_same_risk() -> None:
    assert risks(client(need=4.0)) == risks(client(need=4.0))
