"""How good a predicted probability is: discrimination, calibration, what the highest tenth holds.

Pairs that lack a prediction or an outcome (nan) count nowhere; a measure that its pairs do not tell
(nobody had the event, or everybody) is nan, never 0. Ties share their rank.

Here: measures of arrays, intervals by the bootstrap. Not here: who is judged (`risk.evaluate`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
MEASURES = ("auroc", "auprc", "brier", "event_capture", "cost_capture", "number_needed")
"""What `weighted` gives, in this order."""
TOP_SHARE = 0.1
_CLOSEST = 1e-6
_ROUNDS = 50
_AT_A_TIME = 25
"""Repeats of the bootstrap held in memory together."""


@dataclass(frozen=True)
class Line:
    """A logistic line from predicted to observed log odds, with its standard errors."""

    intercept: float
    slope: float
    intercept_error: float
    slope_error: float


@dataclass(frozen=True)
class Errors:
    """Distance of predictions from the calibration curve: mean, ninth decile, greatest."""

    average: float
    ninth_decile: float
    greatest: float


def known_pairs(predicted: ArrayLike, outcome: ArrayLike) -> tuple[Floats, Floats]:
    """Predictions and outcomes (0, 1) of those who have both."""
    p, y = np.asarray(predicted, dtype=np.float64), np.asarray(outcome, dtype=np.float64)
    known = np.isfinite(p) & np.isfinite(y)
    return p[known], y[known]


def weighted(
    predicted: ArrayLike, outcome: ArrayLike, cost: ArrayLike, weights: ArrayLike
) -> Floats:
    """Every measure of `MEASURES`, once for each row of weights.

    The captures are shares of events and of cost among the tenth predicted highest; the number
    needed is how many of that tenth are visited for each event. Within a tie all are alike.

    Args:
        predicted: Probabilities, one for each person; no nan.
        outcome: 0 or 1 likewise.
        cost: Euros likewise, for the capture of cost; nan where unknown.
        weights: How often each person counts; a row for each sample, a column for each person.

    Returns:
        A row for each sample, a column for each measure; nan where it cannot be told.
    """
    p, y, euros = (np.asarray(a, dtype=np.float64) for a in (predicted, outcome, cost))
    order = np.argsort(-p, kind="stable")
    p, y, euros = p[order], y[order], euros[order]
    w = np.atleast_2d(np.asarray(weights, dtype=np.float64))[:, order]
    starts = np.flatnonzero(np.r_[True, p[1:] != p[:-1]])
    everyone = np.add.reduceat(w, starts, axis=1)
    events = np.add.reduceat(w * y, starts, axis=1)
    above, events_above = np.cumsum(everyone, axis=1), np.cumsum(events, axis=1)
    total, positive = above[:, -1], events_above[:, -1]
    negative = total - positive
    with np.errstate(divide="ignore", invalid="ignore"):
        auroc = ((everyone - events) * (events_above - events / 2)).sum(axis=1)
        precision = np.where(above > 0, events_above / above, 0)
        captured = _at_share(above, events_above)
        columns = [
            auroc / (positive * negative),
            (events * precision).sum(axis=1) / positive,
            (w * (p - y) ** 2).sum(axis=1) / total,
            captured / positive,
            _cost_capture(w * euros, starts, above),
            TOP_SHARE * total / captured,
        ]
    found = np.stack(columns, axis=1)
    found[(positive == 0) | (negative == 0)] = np.nan
    return np.where(np.isfinite(found), found, np.nan)


def _cost_capture(euros: Floats, starts: NDArray[np.int64], above: Floats) -> Floats:
    spent = np.cumsum(np.add.reduceat(euros, starts, axis=1), axis=1)
    captured: Floats = _at_share(above, spent) / spent[:, -1]
    return captured


def _at_share(above: Floats, held: Floats) -> Floats:
    """What the top share of people holds, by a straight line within a tie."""
    target = TOP_SHARE * above[:, -1]
    rows, at = np.arange(len(above)), (above >= target[:, None]).argmax(axis=1)
    low = np.where(at > 0, above[rows, at - 1], 0)
    held_low = np.where(at > 0, held[rows, at - 1], 0)
    part = (target - low) / (above[rows, at] - low)
    found: Floats = held_low + part * (held[rows, at] - held_low)
    return found


def measured(predicted: ArrayLike, outcome: ArrayLike, cost: ArrayLike | None = None) -> Floats:
    """Every measure of `MEASURES` over all known pairs; nan where it cannot be told."""
    p, y = np.asarray(predicted, dtype=np.float64), np.asarray(outcome, dtype=np.float64)
    euros = np.full(len(p), np.nan) if cost is None else np.asarray(cost, dtype=np.float64)
    known = np.isfinite(p) & np.isfinite(y)
    if not known.any():
        return np.full(len(MEASURES), np.nan)
    found: Floats = weighted(p[known], y[known], euros[known], np.ones(known.sum()))[0]
    return found


def resampled(
    predictions: list[Floats], outcome: Floats, cost: Floats, *, repeats: int, seed: int
) -> NDArray[np.float64]:
    """Measures of several predictions of the same people over the same bootstrap samples.

    Args:
        predictions: Each a probability for each person; no nan.
        outcome: 0 or 1 for each person; no nan.
        cost: Euros for each person; nan where unknown.
        repeats: Samples. A person's count in one is Poisson with mean 1, as good as drawing anew.
        seed: Of the samples.

    Returns:
        By prediction, sample and measure.
    """
    rng = np.random.default_rng(seed)
    found = []
    for first in range(0, repeats, _AT_A_TIME):
        size = (min(_AT_A_TIME, repeats - first), len(outcome))
        weights = rng.poisson(1.0, size).astype(np.float64)
        found.append([weighted(p, outcome, cost, weights) for p in predictions])
    return np.concatenate(found, axis=1)


def calibration_line(predicted: ArrayLike, outcome: ArrayLike) -> Line | None:
    """Slope of observed on predicted log odds, and the intercept when the slope is held at 1.

    Perfect calibration has intercept 0 (nobody's risk is over- or understated on the whole) and
    slope 1 (neither too bold nor too shy). None where the pairs do not tell them.
    """
    p, y = known_pairs(predicted, outcome)
    if not len(y) or y.min() == y.max():
        return None
    odds = log_odds(p)
    if odds.max() - odds.min() < _CLOSEST:
        return None
    joint = _logistic(np.stack([np.ones_like(odds), odds], axis=1), y, np.zeros_like(odds))
    alone = _logistic(np.ones((len(y), 1)), y, odds)
    if joint is None or alone is None:
        return None
    return Line(alone[0][0], joint[0][1], alone[1][0], joint[1][1])


def recalibration(predicted: ArrayLike, outcome: ArrayLike) -> tuple[float, float] | None:
    """Intercept and slope, together, that bring predicted log odds to the observed ones."""
    p, y = known_pairs(predicted, outcome)
    if not len(y) or y.min() == y.max():
        return None
    odds = log_odds(p)
    found = _logistic(np.stack([np.ones_like(odds), odds], axis=1), y, np.zeros_like(odds))
    return (float(found[0][0]), float(found[0][1])) if found else None


def log_odds(probability: ArrayLike) -> Floats:
    """Logarithm of p / (1 - p), with p kept off 0 and 1."""
    p = np.clip(np.asarray(probability, dtype=np.float64), _CLOSEST, 1 - _CLOSEST)
    odds: Floats = np.log(p / (1 - p))
    return odds


def _logistic(design: Floats, y: Floats, offset: Floats) -> tuple[Floats, Floats] | None:
    """Coefficients and standard errors by Newton's method; None where it does not settle."""
    beta = np.zeros(design.shape[1])
    for _ in range(_ROUNDS):
        p = 1 / (1 + np.exp(-np.clip(design @ beta + offset, -30, 30)))
        information = design.T @ (design * (p * (1 - p))[:, None])
        try:
            step = np.linalg.solve(information, design.T @ (y - p))
        except np.linalg.LinAlgError:
            return None
        beta = beta + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-9:
            return beta, np.sqrt(np.diag(np.linalg.inv(information)))
    return None


def calibration_errors(predicted: ArrayLike, outcome: ArrayLike) -> Errors | None:
    """Eavg, E90 and Emax against the isotonic curve, which asks only that risk rises.

    None where nobody has both a prediction and an outcome.
    """
    p, y = known_pairs(predicted, outcome)
    if not len(y):
        return None
    distance = np.abs(p - isotonic(p, y))
    return Errors(float(distance.mean()), float(np.quantile(distance, 0.9)), float(distance.max()))


def isotonic(predicted: Floats, outcome: Floats) -> Floats:
    """Share of events at each prediction, rising with it and as near to what happened as can be."""
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415 - a second; commands start

    curve: Floats = IsotonicRegression().fit_transform(predicted, outcome)
    return curve


def stability_index(expected: ArrayLike, found: ArrayLike) -> float:
    """Population stability index of two distributions over the same classes, as counts.

    An empty class counts as half a person. nan where either has nobody.
    """
    e, f = np.asarray(expected, dtype=np.float64), np.asarray(found, dtype=np.float64)
    if not e.sum() or not f.sum():
        return float("nan")
    e, f = np.maximum(e, 0.5) / e.sum(), np.maximum(f, 0.5) / f.sum()
    return float(((f - e) * np.log(f / e)).sum())


def wilson(events: ArrayLike, people: ArrayLike, z: float = 1.96) -> tuple[Floats, Floats]:
    """Wilson's interval of shares; 0 to 1 where there is nobody."""
    k, n = np.asarray(events, dtype=np.float64), np.asarray(people, dtype=np.float64)
    size = np.maximum(n, 1)
    middle = (k + z * z / 2) / (size + z * z)
    half = z * np.sqrt(k * (size - k) / size + z * z / 4) / (size + z * z)
    none = n == 0
    return np.where(none, 0.0, middle - half), np.where(none, 1.0, middle + half)
