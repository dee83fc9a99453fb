"""How near the risk models come to the best possible, on a synthetic region whose risks are known.

The true risk of clients of the ladder is the generator's own rules run onward from what it alone
knows (`synthetic.true_risk`). No delivery tells that, so beside it stands the best that delivered
features could do: the true risk's mean given them, fitted on the true risks of other people.

Here: these figures, from a home whose region and models are there. Not here: the models (`risk`).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor

from dagster_project import pipeline
from dagster_project.lake.connection import Lake
from dagster_project.risk import registry
from dagster_project.risk.matrix import Cohort, read_cohort
from dagster_project.risk.splits import learning_windows
from dagster_project.risk.train import MOST_TRAINED, SEED, boosted_trees
from dagster_project.rules.risk_metrics import MEASURES, calibration_line, measured, resampled
from dagster_project.settings import Settings
from dagster_project.synthetic.parameters import load_parameters
from dagster_project.synthetic.region import TRUE_RISK, TRUE_STATE
from dagster_project.synthetic.true_risk import true_risks
from dagster_project.vault.keys import keyed

Floats = NDArray[np.float64]
ON_THE_LADDER = ("need_growth", "housing_24h")
"""Targets in the order in which `true_risks` gives them."""
FOLDS, REPEATS = 5, 100
_SHOWN = (MEASURES.index("auroc"), MEASURES.index("brier"))


def measure(settings: Settings, truth: Path) -> Iterator[tuple[str, str]]:
    """AUROC and Brier with intervals, by target and by whose prediction it is.

    Args:
        settings: Of a home in which the models are trained.
        truth: Folder in which the generator left what it alone knows.
    """
    with pipeline.open_session(keyed(settings)) as session:
        persons = _persons(session.lake)
        for target in (*ON_THE_LADDER, "high_cost"):
            kept = registry.in_use(session.lake, target)
            windows = learning_windows(session.lake)
            test = read_cohort(session.lake, target, [windows.test])
            others = read_cohort(session.lake, target, [*windows.train, windows.calibrate])
            found = {p.code: p.probabilities(test) for p in kept.predictors}
            best = _best(truth, persons, target, others=others, test=test)
            yield from _lines(target, found | best, test)


def _persons(lake: Lake) -> dict[str, int]:
    rows = lake.rows(
        "select identity_code, coalesce(alias.person_id, known.person_id)"
        " from identity_map as known left join core.person_alias as alias"
        " on alias.alias_person_id = known.person_id"
    )
    return dict(rows)


def _best(
    truth: Path, persons: dict[str, int], target: str, *, others: Cohort, test: Cohort
) -> dict[str, Floats]:
    """The true risk where it is known, and what the delivered features could tell of it."""
    if target not in ON_THE_LADDER:
        return {"with latent frailty": _with_frailty(truth, persons, others, test)}
    state = _known(pl.read_parquet(truth / TRUE_STATE), persons)
    known = [_true(state, cohort, ON_THE_LADDER.index(target)) for cohort in (others, test)]
    return {"the true risk": known[1], "best of what is delivered": _told(others, test, known)}


def _known(rows: pl.DataFrame, persons: dict[str, int]) -> pl.DataFrame:
    person = pl.col("identity_code").replace_strict(persons, default=None, return_dtype=pl.Int64)
    return rows.with_columns(person_id=person).drop_nulls("person_id")


def _true(state: pl.DataFrame, cohort: Cohort, position: int) -> Floats:
    """Each candidate's true risk; nan for those whom the generator has beside the ladder."""
    rows = pl.DataFrame(
        {
            "person_id": cohort.person_ids,
            "index_day": cohort.index_months.astype("datetime64[D]").astype(np.int64),
            "maple": np.nan_to_num(cohort.columns(["maple_score"])[:, 0]).astype(np.int64),
        }
    ).join(
        state.unique(["person_id", "index_day"]),
        on=["person_id", "index_day"],
        how="left",
        maintain_order="left",
    )
    known = rows["step"].is_not_null()
    found = np.full(len(cohort), np.nan)
    found[known.to_numpy()] = true_risks(
        rows.filter(known), rows.filter(known)["maple"].to_numpy(), load_parameters(), seed=SEED
    )[position]
    return found


def _told(others: Cohort, test: Cohort, known: list[Floats]) -> Floats:
    """Mean of the true risk given the features, each person's by a fit without that person."""
    values = np.concatenate([others.values, test.values])
    risk, persons = np.concatenate(known), np.concatenate([others.person_ids, test.person_ids])
    found = np.full(len(risk), np.nan)
    for fold in range(FOLDS):
        learns = np.isfinite(risk) & (persons % FOLDS != fold)
        model = HistGradientBoostingRegressor(
            max_iter=300, learning_rate=0.05, max_leaf_nodes=12, max_bins=63, random_state=SEED
        ).fit(values[learns], risk[learns])
        found[persons % FOLDS == fold] = model.predict(values[persons % FOLDS == fold])
    told: Floats = np.clip(found[len(others) :], 0, 1)
    return told


def _with_frailty(truth: Path, persons: dict[str, int], others: Cohort, test: Cohort) -> Floats:
    """Cost by the delivered features and what the generator drew for each person beside them."""
    columns = ["frailty", "expected_contacts_a_year", "long_term_condition_count"]
    drawn = _known(pl.read_parquet(truth / TRUE_RISK), persons).unique("person_id")

    def widened(cohort: Cohort) -> Floats:
        latent = pl.DataFrame({"person_id": cohort.person_ids}).join(
            drawn, on="person_id", how="left", maintain_order="left"
        )
        return np.column_stack([cohort.values, latent.select(columns).to_numpy()])

    chosen = np.random.default_rng(SEED).permutation(len(others))[:MOST_TRAINED]
    model = boosted_trees().fit(widened(others)[chosen], others.events[chosen])
    found: Floats = model.predict_proba(widened(test))[:, 1]
    return found


def _lines(target: str, found: dict[str, Floats], test: Cohort) -> Iterator[tuple[str, str]]:
    """Over the candidates whom all of them tell something of."""
    known = np.isfinite(np.stack(list(found.values()))).all(axis=0)
    events, cost = test.events[known], np.full(known.sum(), np.nan)
    predicted = [p[known] for p in found.values()]
    samples = resampled(predicted, events, cost, repeats=REPEATS, seed=SEED)
    for name, p, sample in zip(found, predicted, samples, strict=True):
        exact = measured(p, events)
        told = [
            f"{MEASURES[i]} {exact[i]:.3f} ± {1.96 * np.nanstd(sample[:, i]):.3f}" for i in _SHOWN
        ]
        line = calibration_line(p, events)
        slope = f"slope {line.slope:.2f}" if line else "slope not available"
        yield f"{target}, {name}", f"{', '.join(told)}, {slope}"


def main() -> None:
    """Print the table for `benchmarks/README.md`."""
    parser = argparse.ArgumentParser(prog="benchmarks.risk", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--truth", type=Path, required=True, help="folder of the manifest")
    arguments = parser.parse_args()
    for what, figure in measure(Settings(home=arguments.home), arguments.truth):
        print(f"| {what} | {figure} |", flush=True)


if __name__ == "__main__":
    main()
