"""Measures of a predicted probability, against figures worked by hand and another's implementation.

Here: `rules.risk_metrics`. Not here: who is judged (`tests/unit/test_risk_learning`).
"""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from dagster_project.rules.risk_metrics import (
    MEASURES,
    calibration_errors,
    calibration_line,
    measured,
    resampled,
    stability_index,
    wilson,
)

NAN = float("nan")


def measure(name: str, predicted: object, outcome: object, cost: object = None) -> float:
    return float(measured(predicted, outcome, cost)[MEASURES.index(name)])  # type: ignore[arg-type]


def test_distance_from_the_calibration_curve_by_hand() -> None:
    errors = calibration_errors([0.1, 0.2, 0.3, 0.4, 0.5, NAN, 0.2], [0, 0, 0, 1, 1, 0, NAN])
    assert errors is not None
    assert astuple(errors) == pytest.approx((0.34, 0.56, 0.6))


def test_perfect_calibration_has_intercept_nought_and_slope_one() -> None:
    predicted = np.repeat([0.1, 0.2, 0.5], [100, 50, 40])
    outcome = np.concatenate([np.arange(100) < 10, np.arange(50) < 10, np.arange(40) < 20])
    line = calibration_line(predicted, outcome.astype(float))
    assert line is not None
    assert (line.intercept, line.slope) == pytest.approx((0, 1), abs=1e-9)


@pytest.mark.parametrize("outcome", [[0, 0, 0], [1, 1, 1], [NAN, NAN, NAN], []])
def test_one_outcome_alone_is_not_available(outcome: list[float]) -> None:
    predicted = [0.1, 0.2, 0.3][: len(outcome)]
    assert np.isnan(measured(predicted, outcome)).all()
    assert calibration_line(predicted, outcome) is None


def test_the_same_risk_for_all_has_no_slope() -> None:
    assert calibration_line([0.3, 0.3, 0.3], [0, 1, 0]) is None


Pairs = st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=2, max_size=40)


@settings(max_examples=30)
@given(pairs=Pairs.filter(lambda pairs: len({y for _, y in pairs}) == 2))
def test_as_another_implementation_has_them_ties_and_all(pairs: list[tuple[int, bool]]) -> None:
    predicted = [p / 10 for p, _ in pairs]
    outcome = [float(y) for _, y in pairs]
    auroc = measure("auroc", predicted, outcome)
    assert auroc == pytest.approx(roc_auc_score(outcome, predicted))
    assert measure("auprc", predicted, outcome) == pytest.approx(
        average_precision_score(outcome, predicted)
    )
    assert measure("brier", predicted, outcome) == pytest.approx(
        brier_score_loss(outcome, predicted)
    )
    # A line that rises leaves the ranking, ties included.
    recalibrated = 1 / (1 + np.exp(-(0.7 * np.log(np.array(predicted)) - 1)))
    assert measure("auroc", recalibrated, outcome) == pytest.approx(auroc)


def test_what_the_highest_tenth_holds_by_hand() -> None:
    predicted = np.arange(20) / 20
    outcome, cost = np.zeros(20), np.ones(20)
    outcome[[19, 3]] = 1
    cost[[18, 19]] = 41, 41
    assert measure("event_capture", predicted, outcome, cost) == pytest.approx(1 / 2)
    assert measure("cost_capture", predicted, outcome, cost) == pytest.approx(82 / 100)
    assert measure("number_needed", predicted, outcome, cost) == pytest.approx(2)


def test_a_tie_over_the_limit_of_the_tenth_counts_by_its_share() -> None:
    outcome = np.zeros(20)
    outcome[:4] = 1
    assert measure("event_capture", np.full(20, 0.2), outcome) == pytest.approx(0.1)


def test_the_bootstrap_is_about_the_estimate_and_the_same_each_time() -> None:
    rng = np.random.default_rng(1)
    predicted = rng.random(2_000)
    outcome = (rng.random(2_000) < predicted).astype(float)
    cost = np.full(2_000, NAN)
    first, again = (
        resampled([predicted, predicted], outcome, cost, repeats=60, seed=7) for _ in range(2)
    )
    auroc = first[:, :, MEASURES.index("auroc")]
    assert auroc.mean() == pytest.approx(measure("auroc", predicted, outcome), abs=0.005)
    assert 0.004 < auroc[0].std() < 0.016
    # Two predictions see the same samples.
    assert (auroc[0] == auroc[1]).all()
    assert np.isnan(first[:, :, MEASURES.index("cost_capture")]).all()
    np.testing.assert_array_equal(first, again)


def test_stability_of_a_distribution_by_hand() -> None:
    assert stability_index([50, 50], [5, 5]) == 0
    assert stability_index([50, 50], [80, 20]) == pytest.approx(
        0.3 * np.log(1.6) - 0.3 * np.log(0.4)
    )
    assert np.isnan(stability_index([0, 0], [1, 1]))
    assert np.isfinite(stability_index([10, 0], [5, 5]))


def test_wilsons_interval() -> None:
    low, high = wilson([0, 5, 0], [10, 10, 0])
    np.testing.assert_allclose(low, [0, 0.2366, 0], atol=1e-4)
    np.testing.assert_allclose(high, [0.2775, 0.7634, 1], atol=1e-4)
