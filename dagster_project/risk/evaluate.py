"""How good a model and its baselines are on candidates they were not made from.

Here: measures with intervals, of all and by group; points of the curves. Not here: the measures
themselves (`rules.risk_metrics`), where they are kept (`registry`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dagster_project.risk.matrix import Cohort, Floats
from dagster_project.risk.train import SEED, Predictor
from dagster_project.rules.risk_metrics import (
    MEASURES,
    Errors,
    Line,
    calibration_errors,
    calibration_line,
    measured,
    resampled,
    wilson,
)

REPEATS = 100
"""Bootstrap samples; an interval is 1.96 of their standard deviations to either side."""
LEAST_GROUP, LEAST_EVENTS = 20, 5
"""A smaller group tells nothing; neither does one with fewer events."""
MOST_OFF = 0.2
"""A group in which what happened differs by more of what was predicted is flagged."""
CURVE_POINTS = 20
_AUROC = MEASURES.index("auroc")
_UNKNOWN_LINE, _UNKNOWN_ERRORS = Line(*[np.nan] * 4), Errors(*[np.nan] * 3)


@dataclass(frozen=True)
class Measure:
    """One figure of one predictor over one group; None where it cannot be told."""

    predictor_code: str
    group_kind_code: str
    group_code: str
    measure_code: str
    value: float | None
    low_value: float | None
    high_value: float | None
    candidate_count: int
    event_count: int


@dataclass(frozen=True)
class Point:
    """A point of a curve, and how many candidates it stands for."""

    curve_code: str
    number: int
    x: float
    y: float
    candidate_count: int


@dataclass(frozen=True)
class Evaluation:
    """All that is told of a model on one window."""

    measures: tuple[Measure, ...]
    curves: tuple[Point, ...]

    @property
    def flagged(self) -> tuple[str, ...]:
        """Groups in which risk is foreseen too low or too high, as `kind code`."""
        return tuple(
            f"{m.group_kind_code} {m.group_code}"
            for m in self.measures
            if m.measure_code == "is_flagged" and m.value
        )

    def of(self, predictor_code: str, measure_code: str) -> Measure:
        """A measure over all candidates."""
        return next(
            m
            for m in self.measures
            if (m.predictor_code, m.group_kind_code, m.measure_code)
            == (predictor_code, "all", measure_code)
        )


def evaluate(predictors: Sequence[Predictor], cohort: Cohort) -> Evaluation:
    """Measures of the predictors over a cohort whose horizon is over; the model comes first."""
    predicted = [p.probabilities(cohort) for p in predictors]
    samples = resampled(
        predicted, cohort.events, cohort.horizon_cost_eur, repeats=REPEATS, seed=SEED
    )
    found: list[Measure] = []
    for predictor, p, sample in zip(predictors, predicted, samples, strict=True):
        found.extend(_of_all(predictor.code, p, cohort, sample))
    found.extend(_of_groups(predictors[0].code, predicted[0], cohort))
    return Evaluation(
        tuple(found), (*_calibration(predicted[0], cohort), *_gain(predicted, cohort))
    )


def gain_over(new: Predictor, old: Predictor, cohort: Cohort) -> tuple[float, float]:
    """How much more AUROC one model has than another on the same candidates: low and high end."""
    predicted = [new.probabilities(cohort), old.probabilities(cohort)]
    sample = resampled(
        predicted, cohort.events, cohort.horizon_cost_eur, repeats=REPEATS, seed=SEED
    )
    more = sample[0][:, _AUROC] - sample[1][:, _AUROC]
    exact = [measured(p, cohort.events)[_AUROC] for p in predicted]
    spread = 1.96 * float(np.nanstd(more))
    return float(exact[0] - exact[1] - spread), float(exact[0] - exact[1] + spread)


def _of_all(code: str, predicted: Floats, cohort: Cohort, sample: Floats) -> Iterator[Measure]:
    values = measured(predicted, cohort.events, cohort.horizon_cost_eur)
    for name, value, spread in zip(MEASURES, values, _spread(sample), strict=True):
        yield _measure(code, cohort, name, value, _ends(name, value, spread))
    yield from _of_calibration(code, predicted, cohort)


def _of_calibration(code: str, predicted: Floats, cohort: Cohort) -> Iterator[Measure]:
    line = calibration_line(predicted, cohort.events) or _UNKNOWN_LINE
    for name, value, error in (
        ("calibration_intercept", line.intercept, line.intercept_error),
        ("calibration_slope", line.slope, line.slope_error),
    ):
        yield _measure(code, cohort, name, value, (value - 1.96 * error, value + 1.96 * error))
    errors = calibration_errors(predicted, cohort.events) or _UNKNOWN_ERRORS
    for name, value in (
        ("calibration_error_mean", errors.average),
        ("calibration_error_90", errors.ninth_decile),
        ("calibration_error_most", errors.greatest),
    ):
        yield _measure(code, cohort, name, value, (None, None))


def _ends(name: str, value: float, spread: float) -> tuple[float, float]:
    """An interval to either side; of a share it ends at 0 and 1."""
    most = np.inf if name == "number_needed" else 1.0
    return float(np.maximum(value - spread, 0)), float(np.minimum(value + spread, most))


def _spread(sample: Floats) -> Floats:
    """Half an interval's width for each measure; nan where no sample tells it."""
    known = np.isfinite(sample).any(axis=0)
    half = np.full(sample.shape[1], np.nan)
    half[known] = 1.96 * np.nanstd(sample[:, known], axis=0)
    return half


def _measure(
    code: str,
    cohort: Cohort,
    name: str,
    value: float | None,
    ends: tuple[float | None, float | None],
    group: tuple[str, str] = ("all", ""),
) -> Measure:
    low, high = (_told(end) for end in ends)
    events = int(cohort.events.sum())
    return Measure(code, *group, name, _told(value), low, high, len(cohort), events)


def _told(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), 6)


def _of_groups(code: str, predicted: Floats, cohort: Cohort) -> Iterator[Measure]:
    """Equity: in each group, how well risk is ranked and how near it lies to what happened."""
    for kind, codes in cohort.groups.items():
        for group in sorted(set(codes) - {""}):  # a protected person has no municipality
            chosen = codes == group
            yield from _of_group(code, (kind, group), predicted[chosen], cohort.only(chosen))


def _of_group(
    code: str, group: tuple[str, str], predicted: Floats, cohort: Cohort
) -> Iterator[Measure]:
    names = ("auroc", "predicted_mean", "observed_share", "observed_to_predicted", "is_flagged")
    events = cohort.events
    if len(cohort) < LEAST_GROUP or min(events.sum(), len(cohort) - events.sum()) < LEAST_EVENTS:
        for name in names:
            yield _measure(code, cohort, name, None, (None, None), group)
        return
    mean, share = float(predicted.mean()), float(events.mean())
    low, high = (float(end) for end in wilson(events.sum(), len(events)))
    sample = resampled([predicted], events, cohort.horizon_cost_eur, repeats=REPEATS, seed=SEED)
    auroc, spread = measured(predicted, events)[_AUROC], _spread(sample[0])[_AUROC]
    ends = {
        "auroc": (auroc, _ends("auroc", auroc, spread)),
        "predicted_mean": (mean, (None, None)),
        "observed_share": (share, (low, high)),
        "observed_to_predicted": (share / mean, (low / mean, high / mean)),
        "is_flagged": (float(abs(share / mean - 1) > MOST_OFF), (None, None)),
    }
    for name in names:
        yield _measure(code, cohort, name, *ends[name], group)


def _calibration(predicted: Floats, cohort: Cohort) -> Iterator[Point]:
    """Mean prediction and observed share in classes of as many candidates each."""
    order = np.argsort(predicted, kind="stable")
    for number, part in enumerate(np.array_split(order, min(CURVE_POINTS, len(order)))):
        x, y = float(predicted[part].mean()), float(cohort.events[part].mean())
        yield Point("calibration", number, x, y, len(part))


def _gain(predicted: Sequence[Floats], cohort: Cohort) -> Iterator[Point]:
    """Share of events among the so-many highest, by the model and by the last baseline."""
    for name, p in (("gain", predicted[0]), ("gain_of_baseline", predicted[-1])):
        caught = np.cumsum(cohort.events[np.argsort(-p, kind="stable")])
        for number in range(CURVE_POINTS + 1):
            count = round(number * len(p) / CURVE_POINTS)
            share = float(caught[count - 1] / caught[-1]) if count and caught[-1] else 0.0
            yield Point(name, number, number / CURVE_POINTS, share, count)
