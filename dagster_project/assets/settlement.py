"""What providers are paid, one partition a month; a month is closed by its first materialisation.

Here: the asset. Not here: settling (`settlement`). Annotations are not put off in this module:
Dagster looks at that of `context` when the asset is made.
"""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from dagster_project.assets.keys import BUILD, SETTLEMENT
from dagster_project.assets.lake_run import POOL, LakeRun
from dagster_project.settlement.due import settle_month

FIRST_MONTH = "2017-05-01"
"""From which the rulebooks have payment schemes."""


def settlement_asset() -> dg.AssetsDefinition:
    """Lines, corrections and payments of a month, by every scheme that pays."""

    @dg.asset(
        key=SETTLEMENT,
        deps=[BUILD],
        partitions_def=dg.MonthlyPartitionsDefinition(start_date=FIRST_MONTH),
        group_name="ledger",
        description="Payments of a month from frozen inputs; written once, corrected later.",
        kinds={"ducklake"},
        pool=POOL,
    )
    def settlement(
        context: dg.AssetExecutionContext, lake: dg.ResourceParam[LakeRun]
    ) -> Iterator[dg.MaterializeResult[None]]:
        """Settle the month; one that is closed, or cannot be settled, fails and writes nothing."""
        with lake.step() as session:
            done = settle_month(session, date.fromisoformat(context.partition_key))
        yield dg.MaterializeResult(
            metadata={
                f"{s.rulebook_id}_{name}": value
                for s in done
                for name, value in (
                    ("run", s.capitation_run_id),
                    ("paid_eur", str(s.reckoned.paid_eur)),
                    ("shadow_eur", str(s.reckoned.shadow_eur)),
                    ("lines", s.reckoned.line_count),
                    ("corrections", s.reckoned.adjustment_count),
                    ("sha256", s.reckoned.ledger_sha256),
                )
            }
        )

    return settlement
