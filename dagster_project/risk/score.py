"""Scoring everybody of whom a target is asked, as of the newest index day.

A score is the model's; what comes of it is decided by people. Here: probability, interval,
percentile and reasons as rows of `risk.score`, and drift. Not here: the models (`registry`), who
reads them (`publish.release`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from dagster_project.errors import TietoallasError
from dagster_project.lake.builds import move_green
from dagster_project.lake.connection import Lake
from dagster_project.lake.runs import Run
from dagster_project.risk import registry
from dagster_project.risk.matrix import Cohort, all_features, read_cohort
from dagster_project.risk.profile import drifts, likeness, reasons
from dagster_project.risk.registry import Kept
from dagster_project.risk.splits import score_month, targets

SCORED, NO_HISTORY = "scored", "no_history"
_WITHOUT_HISTORY = """
    select outcome.person_id, features.package_count
    from core.risk_outcome as outcome
    inner join core.risk_features as features using (person_id, index_month)
    cross join rulebook.risk_window as rule
    where outcome.target_code = ? and outcome.index_month = ?
    and features.history_days < rule.least_history_days
    order by outcome.person_id
"""


@dataclass(frozen=True)
class Scored:
    """What scoring one target did."""

    target_code: str
    index_month: date
    model_id: str
    scored_count: int
    no_history_count: int
    greatest_drift: float | None


def score_all(lake: Lake, run: Run) -> tuple[Scored, ...]:
    """Score the candidates of every target that has a model, in place of earlier scores of the day.

    The next release holds them.

    Raises:
        TietoallasError: no target has a model, a model cannot be loaded, or there is no candidate.
    """
    known = [t for t in targets(lake) if registry.promoted_id(lake, t) is not None]
    if not known:
        raise TietoallasError("no model has been trained; run `tietoallas risk train` first")
    month = score_month(lake)
    done = tuple(_score(lake, registry.in_use(lake, target), month) for target in known)
    move_green(lake, run)
    return done


def _score(lake: Lake, kept: Kept, month: date) -> Scored:
    cohort = read_cohort(lake, kept.target_code, [month])
    left_out = lake.rows(_WITHOUT_HISTORY, [kept.target_code, month])
    predictor = kept.predictors[0]
    values = cohort.columns(predictor.names)
    probability = predictor.of_values(values)
    drift = drifts(
        kept.profile,
        (*predictor.names, "probability"),
        np.column_stack([values, probability]),
    )
    with lake.transaction():
        of_day = [kept.target_code, month]
        for table in ("score", "drift"):
            lake.execute(
                f"delete from lake.risk.{table} where target_code = ? and index_month = ?", of_day
            )
        _insert(lake, kept, month, _columns(lake, kept, cohort, probability))
        _insert(lake, kept, month, _unscored(left_out))
        who = [kept.model_id, kept.target_code, month]
        registry.insert_rows(lake, "drift", [[*who, *entry] for entry in drift.items()])
    known = [index for index in drift.values() if index is not None]
    return Scored(
        kept.target_code, month, kept.model_id, len(cohort), len(left_out), max(known, default=None)
    )


def _columns(lake: Lake, kept: Kept, cohort: Cohort, probability: Any) -> dict[str, Any]:  # noqa: ANN401 - arrays
    low, high = likeness(kept.profile, probability)
    features = {feature.name: feature for feature in all_features(lake)}
    predictor = kept.predictors[0]
    why = reasons(predictor, kept.profile, features, cohort.columns(predictor.names))
    return {
        "person_id": cohort.person_ids,
        "score_state_code": [SCORED] * len(cohort),
        "probability": np.round(probability, 6),
        "low_probability": np.round(low, 6),
        "high_probability": np.round(high, 6),
        "percentile": _percentiles(probability),
        "first_reason_code": why[:, 0],
        "second_reason_code": why[:, 1],
        "third_reason_code": why[:, 2],
        "package_count": cohort.columns(["package_count"])[:, 0].astype(np.int64),
    }


def _percentiles(probability: Any) -> Any:  # noqa: ANN401 - arrays
    """Share of candidates with a lower score, in percent."""
    below = np.searchsorted(np.sort(probability), probability, side="left")
    return np.floor(10_000 * below / len(probability)) / 100


def _unscored(rows: list[tuple[Any, ...]]) -> dict[str, Any]:
    """Who has too little history has a row that says so, and no number."""
    nothing = [None] * len(rows)
    return {
        "person_id": [person for person, _ in rows],
        "score_state_code": [NO_HISTORY] * len(rows),
        **dict.fromkeys(
            ("probability", "low_probability", "high_probability", "percentile"), nothing
        ),
        **dict.fromkeys(("first_reason_code", "second_reason_code", "third_reason_code"), nothing),
        "package_count": [count for _, count in rows],
    }


_SCHEMA = pa.schema(
    [
        ("person_id", pa.int64()),
        ("score_state_code", pa.string()),
        *(
            (name, pa.float64())
            for name in ("probability", "low_probability", "high_probability", "percentile")
        ),
        *(
            (name, pa.string())
            for name in ("first_reason_code", "second_reason_code", "third_reason_code")
        ),
        ("package_count", pa.int64()),
    ]
)


def _insert(lake: Lake, kept: Kept, month: date, columns: dict[str, Any]) -> None:
    table = pa.table(
        {name: pa.array(columns[name], _SCHEMA.field(name).type) for name in _SCHEMA.names}
    )
    if not table.num_rows:
        return
    lake.connection.register("scored_rows", table)
    lake.execute(
        "insert into lake.risk.score select person_id, ?, ?, ?, * exclude (person_id)"
        " from scored_rows",
        [kept.target_code, month, kept.model_id],
    )
    lake.connection.unregister("scored_rows")
