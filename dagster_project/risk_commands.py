"""Commands of risk: `tietoallas risk train | evaluate | score | card`.

Here: arguments, what is printed. Not here: any work (`risk`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dagster_project import pipeline
from dagster_project.errors import SettingsError
from dagster_project.publish.release import publish
from dagster_project.settings import Settings
from dagster_project.vault.keys import keyed

if TYPE_CHECKING:
    from dagster_project.risk.learning import Judged

# Within each command: numpy takes a second to import, which no other command should wait for.

risk_app = typer.Typer(no_args_is_help=True, help="Who is heading for heavier services.")
_Targets = Annotated[
    list[str] | None, typer.Option("--target", help="Target; all of them unless named.")
]


@risk_app.command()
def train(target: _Targets = None) -> None:
    """Train a model of each target, judge it on a later year, use it where it is better."""
    from dagster_project.risk.learning import train_target  # noqa: PLC0415

    with _recorded() as session:
        for code in _chosen(session, target):
            judged = train_target(session.lake, session.run, code)
            typer.echo(_line(judged))
            if judged.unused:
                typer.echo(f"  not used: {', '.join(map(' '.join, judged.unused.items()))}")


@risk_app.command()
def evaluate(target: _Targets = None) -> None:
    """Judge the models in use on the newest year that is over."""
    from dagster_project.risk.learning import evaluate_target  # noqa: PLC0415

    with _recorded() as session:
        for code in _chosen(session, target):
            typer.echo(_line(evaluate_target(session.lake, code)))


@risk_app.command()
def score() -> None:
    """Score everybody as of the newest day, and publish the scores for client guides."""
    from dagster_project.risk.score import score_all  # noqa: PLC0415

    with _recorded() as session:
        for done in score_all(session.lake, session.run):
            typer.echo(
                f"{done.target_code} as of {done.index_month}: {done.scored_count} scored by"
                f" {done.model_id}, {done.no_history_count} without enough history to be scored;"
                f" greatest drift {done.greatest_drift or 0:.2f}"
            )
        release = publish(session)
    typer.echo(f"published release {release.release_id}: guidance/risk_scores.parquet")


@risk_app.command()
def card(
    output: Annotated[
        Path | None, typer.Option(help="Folder; the current release unless named.")
    ] = None,
) -> None:
    """Write the model card in Finnish and English, as HTML and Markdown."""
    from dagster_project.risk.card import write_cards  # noqa: PLC0415

    with pipeline.open_session(keyed(Settings())) as session:
        folder = write_cards(session.lake, output)
    typer.echo(f"written to {folder}")


@contextmanager
def _recorded() -> Iterator[pipeline.Session]:
    with pipeline.open_session(keyed(Settings())) as session, pipeline.recorded_run(session):
        yield session


def _chosen(session: pipeline.Session, target: list[str] | None) -> list[str]:
    from dagster_project.risk.splits import targets  # noqa: PLC0415

    known = targets(session.lake)
    unknown = sorted(set(target or ()) - set(known))
    if unknown:
        raise SettingsError(f"there is no target {unknown[0]}; there are {', '.join(known)}")
    return target or list(known)


def _line(judged: Judged) -> str:
    """What the model can, beside what age and prior cost alone can."""
    from dagster_project.risk.evaluate import MOST_OFF  # noqa: PLC0415

    auroc, prior, slope = judged.auroc, judged.prior_auroc, judged.slope
    told = (
        f"{judged.model_id}: AUROC {auroc.value:.3f} ({auroc.low_value:.3f}-{auroc.high_value:.3f})"
        f" of {auroc.event_count} events among {auroc.candidate_count}; age and prior cost"
        f" {prior.value:.3f}; calibration slope "
    )
    told += "not available" if slope.value is None else f"{slope.value:.2f}"
    told += f"; more than {MOST_OFF:.0%} off in {', '.join(judged.flagged) or 'no group'}"
    return f"{told}; {'in use' if judged.is_promoted else 'not taken into use'}: {judged.reason}"
