"""The lake as a Dagster resource: one session for the whole run, noted in `ops.run`.

Here: opening and closing the session, and what of an error may enter Dagster's event log.
Not here: the work itself (`staging`, `models`).
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import dagster as dg

from dagster_project import pipeline
from dagster_project.errors import CheckFailed, TietoallasError
from dagster_project.pipeline import Definition, RunOutcome, Session
from dagster_project.settings import Settings

POOL = "lake_writer"
"""Dagster's pool of everything that writes to the lake; `dagster.yaml` admits one at a time."""


@dataclass
class LakeRun:
    """One Dagster run's session, and how the run stands so far."""

    session: Session
    outcome: RunOutcome = RunOutcome.SUCCEEDED
    refusals: list[str] = field(default_factory=list)
    """Deliveries refused so far, and why."""

    @contextmanager
    def step(self) -> Iterator[Session]:
        """The session for one step of the run.

        Raises:
            dagster.Failure: the step failed; its message tells no person's data.
        """
        with shown_safely():
            try:
                yield self.session
            except CheckFailed:
                self.note(RunOutcome.BLOCKED)
                raise
            except BaseException:
                self.note(RunOutcome.FAILED)
                raise

    def note(self, outcome: RunOutcome) -> None:
        """Note that something did not succeed; what was noted first stands."""
        if self.outcome is RunOutcome.SUCCEEDED:
            self.outcome = outcome


@contextmanager
def shown_safely() -> Iterator[None]:
    """Let into Dagster's event log the text of those errors alone that are written for people.

    Raises:
        dagster.Failure: whatever was raised, without its cause; never retried, as the same input
            would fail again.
    """
    try:
        yield
    except TietoallasError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise dg.Failure(
            f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"
            " (its text may hold values, so it is not shown)",
            allow_retries=False,
        ) from None


def lake_resource(
    settings: Settings | None, definition: Definition, now: Callable[[], datetime] | None
) -> dg.ResourceDefinition:
    """The resource `lake`; without settings, the environment is read when a run starts."""

    @dg.resource(description="Lake and vault, open for one run; one run at a time.")
    def lake(context: dg.InitResourceContext) -> Iterator[LakeRun]:
        with ExitStack() as stack:
            with shown_safely():
                session = stack.enter_context(
                    pipeline.open_session(
                        settings or Settings(),
                        run_id=context.run.run_id if context.run else None,
                        now=now,
                        definition=definition,
                    )
                )
                pipeline.begin_run(session)
            run = LakeRun(session)
            try:
                with run.step():
                    pipeline.hide_places(session)
                yield run
            finally:
                if _has_failed_step(context):
                    run.note(RunOutcome.FAILED)
                pipeline.end_run(session, run.outcome)

    return lake


def _has_failed_step(context: dg.InitResourceContext) -> bool:
    """Whether Dagster knows of a failure, be it one outside our own code."""
    if context.instance is None or context.run is None:
        return False
    failures = context.instance.all_logs(
        context.run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE
    )
    return bool(failures)
