"""The report of data quality, judged on the newest green build and put on the internal shelf.

Here: the order of steps. Not here: judging (`expectations`), the page (`quality`), releases
(`release`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from dagster_project.expectations.evaluation import evaluate
from dagster_project.expectations.validation import Judged
from dagster_project.lake.builds import newest_green
from dagster_project.lake.check_model import Status
from dagster_project.pipeline import Session
from dagster_project.publish.release import add_to_current
from dagster_project.publish.shelves import accesses
from dagster_project.quality import report

SHELF = Path("internal") / "quality"


@dataclass(frozen=True)
class Reported:
    """What came of it."""

    folder: Path
    judged: tuple[Judged, ...]
    counts: Counter[Status]
    """Expectations by verdict."""

    @property
    def has_errors(self) -> bool:
        """Whether something could not be judged: that is never a pass."""
        return self.counts[Status.ERROR] > 0


def report_quality(session: Session, as_of: date) -> Reported:
    """Judge every suite on a given day and publish the pages with the current release.

    Raises:
        BuildError: there is no green build, or no release.
    """
    lake, catalogue = session.lake, session.definition.catalogue
    build_id = newest_green(lake).build_id
    judged = evaluate(lake, catalogue, session.run, as_of)
    findings = report.gather(lake, catalogue, judged, as_of=as_of, build_id=build_id)
    by_shelf = accesses(lake.settings)
    folder = add_to_current(lake.settings.published, SHELF, report.pages(findings), by_shelf)
    session.run.on_step("quality reported")
    return Reported(folder, judged, Counter(one.status for one in judged))
