"""Models kept and found again: artefacts by skops, never by pickle; the rest as rows of `risk.*`.

A model is never fitted again for a recompute. One that another version of the libraries made is
refused, for its numbers might differ.

Here: keeping, loading, promoting. Not here: fitting (`train`).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from datetime import date
from typing import Any

from dagster_project.errors import TietoallasError
from dagster_project.lake.connection import Lake
from dagster_project.lake.runs import Run
from dagster_project.risk.evaluate import Evaluation
from dagster_project.risk.matrix import Cohort
from dagster_project.risk.profile import Profile
from dagster_project.risk.splits import Windows
from dagster_project.risk.train import SEED, TREES, Fitted, Predictor

_LIBRARIES = ("scikit-learn", "skops", "numpy")
_TRUSTED = frozenset(
    {"numpy.dtype", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"}
)
"""Types beside skops' own that our estimators are made of."""


@dataclass(frozen=True)
class Kept:
    """A model as it is kept: what predicts, and what it remembers."""

    model_id: str
    target_code: str
    predictors: tuple[Predictor, ...]
    """The model first, then its baselines."""
    profile: Profile
    train_month: date
    test_month: date


def library_versions() -> str:
    """The libraries that an artefact hangs on, with their versions."""
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _LIBRARIES)


def keep(
    lake: Lake, run: Run, fitted: Fitted, profile: Profile, *, windows: Windows, train: Cohort
) -> Kept:
    """Keep a model; call it in a transaction."""
    artefact = _dumped({p.code: p.estimator for p in fitted.predictors})
    digest = hashlib.sha256(artefact).hexdigest()
    model_id = f"{fitted.target_code}-{windows.test:%Y-%m}-{run.run_id[:12]}"
    parameters = {
        "seed": SEED,
        "trees": TREES,
        "unused": fitted.unused,
        "profile": asdict(profile),
        "predictors": [
            {"code": p.code, "names": p.names, "intercept": p.intercept, "slope": p.slope}
            for p in fitted.predictors
        ],
    }
    lake.execute(
        "insert into lake.risk.model values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            model_id,
            fitted.target_code,
            windows.train[0],
            windows.calibrate,
            windows.test,
            len(train),
            int(train.events.sum()),
            json.dumps(parameters),
            artefact,
            digest,
            library_versions(),
            run.now(),
            run.run_id,
        ],
    )
    return Kept(
        model_id, fitted.target_code, fitted.predictors, profile, windows.train[0], windows.test
    )


def promote(lake: Lake, run: Run, kept: Kept, reason: str, *, is_promoted: bool) -> None:
    """Note whether a model is in use from now on, and why."""
    lake.execute(
        "insert into lake.risk.promotion"
        " select ?, ?, coalesce(max(promotion_number), 0) + 1, ?, ?, ?, ? from risk.promotion",
        [kept.model_id, kept.target_code, is_promoted, reason, run.now(), run.run_id],
    )


def promoted_id(lake: Lake, target_code: str) -> str | None:
    """The model of a target that is in use; None before the first."""
    found: str | None = lake.value(
        "select arg_max(model_id, promotion_number) from risk.promotion"
        " where target_code = ? and is_promoted",
        [target_code],
    )
    return found


def in_use(lake: Lake, target_code: str) -> Kept:
    """The model of a target that is in use.

    Raises:
        TietoallasError: there is none, or it cannot be loaded.
    """
    model_id = promoted_id(lake, target_code)
    if model_id is None:
        raise TietoallasError(
            f"no model of {target_code} has been trained; run `tietoallas risk train` first"
        )
    return load(lake, model_id)


def load(lake: Lake, model_id: str) -> Kept:
    """A kept model.

    Raises:
        TietoallasError: other versions of the libraries made it, or its bytes are not as they were.
    """
    row = lake.rows(
        "select target_code, parameters, artefact, artefact_sha256, library_versions, train_month,"
        " test_month from risk.model where model_id = ?",
        [model_id],
    )[0]
    target_code, parameters, artefact, digest, versions, train_month, test_month = row
    if versions != library_versions():
        raise TietoallasError(
            f"model {model_id} was made with {versions}, and here are {library_versions()}; its"
            " numbers might differ. Train anew (`tietoallas risk train`), or install those"
        )
    if hashlib.sha256(artefact).hexdigest() != digest:
        raise TietoallasError(
            f"the bytes of model {model_id} are not those that were kept; train anew, and see who"
            " writes to the lake"
        )
    told = json.loads(parameters)
    estimators = _loaded(artefact, model_id)
    predictors = tuple(
        Predictor(p["code"], estimators[p["code"]], tuple(p["names"]), p["intercept"], p["slope"])
        for p in told["predictors"]
    )
    profile = Profile(**told["profile"])
    return Kept(model_id, target_code, predictors, profile, train_month, test_month)


def keep_evaluation(lake: Lake, kept: Kept, index_month: date, evaluation: Evaluation) -> None:
    """Keep what is told of a model on a window, in place of what was told of it before."""
    who = [kept.model_id, kept.target_code, index_month]
    for table in ("measure", "curve"):
        lake.execute(
            f"delete from lake.risk.{table} where model_id = ? and index_month = ?",
            [kept.model_id, index_month],
        )
    insert_rows(lake, "measure", [[*who, *astuple(m)] for m in evaluation.measures])
    insert_rows(lake, "curve", [[*who, *astuple(p)] for p in evaluation.curves])


def insert_rows(lake: Lake, table: str, rows: Sequence[Sequence[Any]]) -> None:
    """Add rows to a table of `risk`, in one statement."""
    if rows:
        row = f"({', '.join(['?'] * len(rows[0]))})"
        lake.execute(
            f"insert into lake.risk.{table} values {', '.join([row] * len(rows))}",
            [value for values in rows for value in values],
        )


def _dumped(estimators: dict[str, Any]) -> bytes:
    from skops.io import dumps  # noqa: PLC0415 - a second to import

    found: bytes = dumps(estimators)
    return found


def _loaded(artefact: bytes, model_id: str) -> dict[str, Any]:
    from skops.io import get_untrusted_types, loads  # noqa: PLC0415 - a second to import

    unknown = sorted(set(get_untrusted_types(data=artefact)) - _TRUSTED)
    if unknown:
        raise TietoallasError(
            f"model {model_id} holds {unknown[0]}, which no model of ours is made of; not loaded"
        )
    found: dict[str, Any] = loads(artefact, trusted=sorted(_TRUSTED))
    return found
