"""Risk models and scores: training by hand, scoring by month, each a job of its own.

Here: the assets. Not here: the work (`risk`). Annotations are not put off in this module: Dagster
looks at that of `context` when an asset is made.
"""

from collections.abc import Iterator

import dagster as dg

from dagster_project.assets.keys import BUILD, RISK_MODELS, RISK_SCORES
from dagster_project.assets.lake_run import POOL, LakeRun
from dagster_project.publish.release import publish

# Within each asset: numpy takes a second to import, which loading the definitions should not.


def model_asset() -> dg.AssetsDefinition:
    """A model of every target, judged on a later year."""

    @dg.asset(
        key=RISK_MODELS,
        deps=[BUILD],
        group_name="risk",
        description="Models of risk; a new one is used only where it is better than the old.",
        kinds={"ducklake", "scikitlearn"},
        pool=POOL,
    )
    def model(lake: dg.ResourceParam[LakeRun]) -> Iterator[dg.MaterializeResult[None]]:
        """Train, judge and keep a model of every target."""
        from dagster_project.risk.learning import train_target  # noqa: PLC0415
        from dagster_project.risk.splits import targets  # noqa: PLC0415

        with lake.step() as session:
            done = [train_target(session.lake, session.run, t) for t in targets(session.lake)]
        yield dg.MaterializeResult(
            metadata={
                f"{j.target_code}_{name}": value
                for j in done
                for name, value in (
                    ("model", j.model_id),
                    ("is_promoted", j.is_promoted),
                    ("reason", j.reason),
                    ("auroc", j.auroc.value),
                    ("auroc_of_age_and_prior_cost", j.prior_auroc.value),
                )
            }
        )

    return model


def score_asset() -> dg.AssetsDefinition:
    """Scores of the newest index day, in a release of their own."""

    @dg.asset(
        key=RISK_SCORES,
        deps=[RISK_MODELS, BUILD],
        group_name="risk",
        description="Scores for client guides, as of the day after the last covered month.",
        kinds={"ducklake", "parquet"},
        pool=POOL,
    )
    def score(lake: dg.ResourceParam[LakeRun]) -> Iterator[dg.MaterializeResult[None]]:
        """Score every candidate by the models in use, and publish."""
        from dagster_project.risk.score import score_all  # noqa: PLC0415

        with lake.step() as session:
            done = score_all(session.lake, session.run)
            release = publish(session)
        counts = {
            f"{s.target_code}_{name}": value
            for s in done
            for name, value in (
                ("index_month", str(s.index_month)),
                ("scored", s.scored_count),
                ("without_history", s.no_history_count),
                ("greatest_drift", s.greatest_drift),
            )
        }
        yield dg.MaterializeResult(metadata=counts | {"release": release.release_id})

    return score
