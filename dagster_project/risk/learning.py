"""Training and judging a target, as one act: fit, profile, evaluate, keep, promote by rule.

A new model replaces the old one only when it ranks the newest window's candidates better, beyond
the interval of the difference. Here: the order of things. Not here: any of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from dagster_project.errors import TietoallasError
from dagster_project.lake.connection import Lake
from dagster_project.lake.runs import Run
from dagster_project.risk import registry
from dagster_project.risk.evaluate import Evaluation, Measure, evaluate, gain_over
from dagster_project.risk.matrix import Cohort, read_cohort
from dagster_project.risk.profile import profiled
from dagster_project.risk.registry import Kept
from dagster_project.risk.splits import learning_windows, test_month
from dagster_project.risk.train import MODEL, PRIOR, check_both_happened, fit


@dataclass(frozen=True)
class Judged:
    """A model and how it did on the newest window."""

    model_id: str
    target_code: str
    is_promoted: bool
    reason: str
    auroc: Measure
    prior_auroc: Measure
    slope: Measure
    flagged: tuple[str, ...]
    """Groups in which what happened is further from what was predicted than it may be."""
    unused: dict[str, str]


def train_target(lake: Lake, run: Run, target_code: str) -> Judged:
    """Train a model of a target, judge it, and promote it where it is better than the one in use.

    Raises:
        TietoallasError: a window is missing, empty, or holds one outcome alone.
    """
    windows = learning_windows(lake)
    train = read_cohort(lake, target_code, windows.train)
    calibrate = read_cohort(lake, target_code, [windows.calibrate])
    test = read_cohort(lake, target_code, [windows.test])
    check_both_happened(target_code, test, "test")
    fitted = fit(target_code, train, calibrate)
    profile = profiled(fitted.predictors[0], train, test)
    evaluation = evaluate(fitted.predictors, test)
    with lake.transaction():
        kept = registry.keep(lake, run, fitted, profile, windows=windows, train=train)
        registry.keep_evaluation(lake, kept, windows.test, evaluation)
        is_promoted, reason = _verdict(lake, kept, test)
        registry.promote(lake, run, kept, reason, is_promoted=is_promoted)
    return _judged(kept, evaluation, is_promoted, reason, fitted.unused)


def evaluate_target(lake: Lake, target_code: str) -> Judged:
    """Judge the model in use on the newest window whose horizon is over, and keep the figures.

    Raises:
        TietoallasError: there is no model, or no such window, or one outcome alone in it.
    """
    kept, month = registry.in_use(lake, target_code), test_month(lake)
    test = read_cohort(lake, target_code, [month])
    check_both_happened(target_code, test, "test")
    evaluation = evaluate(kept.predictors, test)
    with lake.transaction():
        registry.keep_evaluation(lake, kept, month, evaluation)
    return _judged(kept, evaluation, True, f"judged on the year from {month}", {})


def _verdict(lake: Lake, kept: Kept, test: Cohort) -> tuple[bool, str]:
    former = registry.promoted_id(lake, kept.target_code)
    if former is None:
        return True, "the first model of its target"
    try:
        old = registry.load(lake, former)
    except TietoallasError:
        return True, f"{former} cannot be used any more"
    low, high = gain_over(kept.predictors[0], old.predictors[0], test)
    told = f"AUROC {low:+.4f} to {high:+.4f} against {former}"
    return low > 0, told


def _judged(
    kept: Kept, evaluation: Evaluation, is_promoted: bool, reason: str, unused: dict[str, str]
) -> Judged:
    return Judged(
        kept.model_id,
        kept.target_code,
        is_promoted,
        reason,
        evaluation.of(MODEL, "auroc"),
        evaluation.of(PRIOR, "auroc"),
        evaluation.of(MODEL, "calibration_slope"),
        evaluation.flagged,
        unused,
    )
