"""Fitting: boosted trees, a logistic baseline, and one of age and prior cost alone.

Each is fitted on the training window and brought to the observed level on the next one, by a
logistic line, which leaves its ranking as it is. Much the same people live in both windows, so the
line is drawn through predictions by models that had not seen them. Seeds are fixed: the same rows
give the same model.

Here: estimates from cohorts. Not here: where cohorts come from (`matrix`), how good the estimates
are (`evaluate`), how they are kept (`registry`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np

from dagster_project.errors import TietoallasError
from dagster_project.risk.matrix import BASELINE, Cohort, Floats
from dagster_project.rules.risk_metrics import log_odds, recalibration

MODEL, LOGISTIC, PRIOR = "boosted_trees", "logistic", "prior_cost_and_age"
SEED = 20170501
FOLDS = 3
MOST_TRAINED = 150_000
"""Candidates beyond these teach little more; they are drawn by the seed."""
_MANY = 50_000
"""From so many rows on, threads save more than they cost."""
TREES = {
    "max_iter": 150,
    "learning_rate": 0.05,
    "max_leaf_nodes": 12,
    "max_bins": 63,
    "min_samples_leaf": 40,
    "l2_regularization": 5.0,
    "early_stopping": False,
}
PENALTY = 0.05
"""Inverse weight of the logistic baselines' penalty."""


@dataclass(frozen=True)
class Predictor:
    """A fitted estimator, the columns it takes, and the line that calibrates it."""

    code: str
    estimator: Any
    names: tuple[str, ...]
    intercept: float
    slope: float

    def probabilities(self, cohort: Cohort) -> Floats:
        """Calibrated probability of the event, for each candidate."""
        return self.of_values(cohort.columns(self.names))

    def of_values(self, values: Floats) -> Floats:
        """The same, from the columns this predictor takes."""
        with _threads(len(values)):
            raw = self.estimator.predict_proba(values)[:, 1]
        line = np.clip(self.intercept + self.slope * log_odds(raw), -30, 30)
        probabilities: Floats = 1 / (1 + np.exp(-line))
        return probabilities


@dataclass(frozen=True)
class Fitted:
    """The model of a target, its baselines, and the columns that could not be used."""

    target_code: str
    predictors: tuple[Predictor, ...]
    """The model first."""
    unused: dict[str, str]
    """By column: `constant` or `missing`."""


def fit(target_code: str, train: Cohort, calibrate: Cohort) -> Fitted:
    """Fit the model of a target and its baselines.

    Raises:
        TietoallasError: in a window nobody had the event, or everybody; or no column says anything.
    """
    check_both_happened(target_code, train, "training")
    check_both_happened(target_code, calibrate, "calibration")
    unused = _unused(train)
    names = tuple(name for name in train.names if name not in unused)
    if not names:
        raise TietoallasError(
            f"{target_code}: every feature is missing or the same for all; is core delivered?"
        )
    drawn = _drawn(train)
    own = tuple(name for name in BASELINE if name in names)
    kinds: list[tuple[str, tuple[str, ...], Callable[[], Any]]] = [
        (MODEL, names, boosted_trees),
        (LOGISTIC, names, logistic),
        (PRIOR, own or names, logistic),
    ]
    predictors = tuple(
        _fitted(code, columns, make, drawn=drawn, calibrate=calibrate)
        for code, columns, make in kinds
    )
    return Fitted(target_code, predictors, unused)


def check_both_happened(target_code: str, cohort: Cohort, window: str) -> None:
    """See that some had the event and some did not.

    Raises:
        TietoallasError: it is not so; a model cannot be made or judged.
    """
    events = int(cohort.events.sum())
    if 0 < events < len(cohort):
        return
    who = "nobody" if not events else "everybody"
    raise TietoallasError(
        f"{target_code}: {who} of {len(cohort)} candidates in the {window} window had the event;"
        " there is nothing to learn or judge by. Wait for more deliveries, or widen the target"
        " (rulebooks/risk_target.yaml)"
    )


def _unused(cohort: Cohort) -> dict[str, str]:
    """Columns that say nothing: a scaler would divide by nought, and a tree cannot split them."""
    found = {}
    for name, column in zip(cohort.names, cohort.values.T, strict=True):
        known = column[np.isfinite(column)]
        if not len(known):
            found[name] = "missing"
        elif known.min() == known.max() and len(known) == len(column):
            found[name] = "constant"
    return found


def _drawn(cohort: Cohort) -> Cohort:
    if len(cohort) <= MOST_TRAINED:
        return cohort
    rng = np.random.default_rng(SEED)
    chosen = np.zeros(len(cohort), dtype=np.bool_)
    chosen[rng.choice(len(cohort), MOST_TRAINED, replace=False)] = True
    return cohort.only(chosen)


def _fitted(
    code: str, names: tuple[str, ...], make: Callable[[], Any], *, drawn: Cohort, calibrate: Cohort
) -> Predictor:
    with _threads(len(drawn)):
        line = recalibration(_unseen(names, make, drawn, calibrate), calibrate.events)
        estimator = make().fit(drawn.columns(names), drawn.events)
    if line is None:
        raise TietoallasError(
            f"{code} gives everybody the same risk, so that it cannot be calibrated; the features"
            " tell nothing of who has the event"
        )
    return Predictor(code, estimator, names, *line)


def _threads(row_count: int) -> AbstractContextManager[Any]:
    """One thread where there are few rows: more would wait for each other at every tree."""
    # Loaded before the limit is set, which holds for the libraries that are there by then.
    import sklearn.ensemble  # noqa: F401, PLC0415 - a second
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - comes with scikit-learn

    limits: AbstractContextManager[Any] = threadpool_limits(None if row_count >= _MANY else 1)
    return limits


def _unseen(
    names: tuple[str, ...], make: Callable[[], Any], drawn: Cohort, calibrate: Cohort
) -> Floats:
    """Predictions of each candidate by a model that was fitted without them."""
    found = np.full(len(calibrate), np.nan)
    for fold in range(FOLDS):
        others, own = drawn.person_ids % FOLDS != fold, calibrate.person_ids % FOLDS == fold
        if own.any() and 0 < drawn.events[others].sum() < others.sum():
            estimator = make().fit(drawn.columns(names)[others], drawn.events[others])
            found[own] = estimator.predict_proba(calibrate.columns(names)[own])[:, 1]
    return found


def boosted_trees() -> Any:  # noqa: ANN401 - of scikit-learn, untyped
    """The model's estimator, not fitted yet."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 - a second

    return HistGradientBoostingClassifier(random_state=SEED, **TREES)


def logistic() -> Any:  # noqa: ANN401 - of scikit-learn, untyped
    """The baselines' estimator, not fitted yet."""
    from sklearn.impute import SimpleImputer  # noqa: PLC0415 - a second
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    return make_pipeline(
        SimpleImputer(add_indicator=True),
        StandardScaler(),
        LogisticRegression(C=PENALTY, max_iter=1000),
    )
