"""What a model remembers of the people it was made from: to tell reasons, likeness and drift by.

Here: the usual value of each column, what became of those with a like score, and distributions. Not
here: who is scored (`score`). All of it is of many people, and of no one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dagster_project.risk.matrix import Cohort, Feature, Floats
from dagster_project.risk.train import Predictor
from dagster_project.rules.risk_metrics import log_odds, stability_index, wilson

LIKE_CLASSES = 20
DRIFT_CLASSES = 10
REASON_COUNT = 3
_LEAST_REASON = 0.05
"""Log odds by which a reason must raise a risk to be told."""


@dataclass(frozen=True)
class Profile:
    """Plain numbers, which are kept as JSON."""

    usual: dict[str, float | None]
    """By column what most have; None where most have nothing."""
    mean_probability: float
    like: list[list[float]]
    """Classes of like scores in the test window: highest score, low and high share of events."""
    edges: dict[str, list[float]]
    """By column, and `probability`: limits between classes of the training window."""
    counts: dict[str, list[int]]
    """People in each of these classes; the last is of those without a value."""


def profiled(predictor: Predictor, train: Cohort, test: Cohort) -> Profile:
    """What to remember of a model's windows."""
    probability = predictor.probabilities(train)
    values = dict(zip(predictor.names, train.columns(predictor.names).T, strict=True))
    distributions = values | {"probability": probability}
    edges = {name: _edges(column) for name, column in distributions.items()}
    return Profile(
        usual={name: _usual(column) for name, column in values.items()},
        mean_probability=float(probability.mean()),
        like=_like(predictor.probabilities(test), test.events),
        edges=edges,
        counts={name: _counts(column, edges[name]) for name, column in distributions.items()},
    )


def _usual(column: Floats) -> float | None:
    known = column[np.isfinite(column)]
    return float(np.median(known)) if 2 * len(known) >= len(column) and len(known) else None


def _like(predicted: Floats, events: Floats) -> list[list[float]]:
    order = np.argsort(predicted, kind="stable")
    parts = np.array_split(order, min(LIKE_CLASSES, len(order)))
    low, high = wilson([events[p].sum() for p in parts], [len(p) for p in parts])
    return [
        [float(predicted[p].max()), float(lowest), float(highest)]
        for p, lowest, highest in zip(parts, low, high, strict=True)
    ]


def _edges(column: Floats) -> list[float]:
    known = column[np.isfinite(column)]
    if not len(known):
        return []
    cuts = np.quantile(known, np.arange(1, DRIFT_CLASSES) / DRIFT_CLASSES)
    return [float(cut) for cut in np.unique(cuts)]


def _counts(column: Floats, edges: Sequence[float]) -> list[int]:
    known = np.isfinite(column)
    classes = np.searchsorted(np.array(edges), column[known], side="left")
    counts = np.bincount(classes, minlength=len(edges) + 1)
    return [*(int(count) for count in counts), int((~known).sum())]


def drifts(profile: Profile, names: Sequence[str], values: Floats) -> dict[str, float | None]:
    """Stability index of each column against the training window; None where nobody is there."""
    found = {}
    for name, column in zip(names, values.T, strict=True):
        index = stability_index(profile.counts[name], _counts(column, profile.edges[name]))
        found[name] = round(index, 6) if np.isfinite(index) else None
    return found


def likeness(profile: Profile, probability: Floats) -> tuple[Floats, Floats]:
    """Interval of each score: the share of events among those who scored alike in the test."""
    highest, low, high = np.array(profile.like).T
    at = np.minimum(np.searchsorted(highest, probability, side="left"), len(highest) - 1)
    return np.minimum(low[at], probability), np.maximum(high[at], probability)


def reasons(
    predictor: Predictor, profile: Profile, features: Mapping[str, Feature], values: Floats
) -> NDArray[np.object_]:
    """The strongest reasons of each row, at most three, else None.

    A reason is a group of columns; it weighs what the log odds would lose if they were as usual.
    Who is not above the mean has none: nothing lifts them.
    """
    codes = sorted({features[name].reason_code for name in predictor.names})
    found = np.full((len(values), REASON_COUNT), None, dtype=object)
    whole = predictor.of_values(values)
    raised = np.flatnonzero(whole > profile.mean_probability)
    if not len(raised):
        return found
    weights = np.stack(
        [
            log_odds(whole[raised])
            - log_odds(
                predictor.of_values(_as_usual(predictor, profile, features, values[raised], code))
            )
            for code in codes
        ],
        axis=1,
    )
    order = np.argsort(-weights, axis=1, kind="stable")[:, :REASON_COUNT]
    names = np.array(codes, dtype=object)[order]
    names[np.take_along_axis(weights, order, axis=1) < _LEAST_REASON] = None
    found[raised] = names
    return found


def _as_usual(
    predictor: Predictor,
    profile: Profile,
    features: Mapping[str, Feature],
    values: Floats,
    reason_code: str,
) -> Floats:
    changed = values.copy()
    for position, name in enumerate(predictor.names):
        if features[name].reason_code == reason_code:
            usual = profile.usual[name]
            changed[:, position] = np.nan if usual is None else usual
    return changed
