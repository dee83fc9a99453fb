"""Commands of the local need model: `tietoallas need train`.

Here: arguments, what is printed. Not here: any work (`need.training`).
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from dagster_project import pipeline
from dagster_project.errors import SettingsError
from dagster_project.rules.capitation_rulebook import Mode, read_versions
from dagster_project.settings import Settings
from dagster_project.vault.keys import keyed

if TYPE_CHECKING:
    from dagster_project.need.training import Trained

need_app = typer.Typer(no_args_is_help=True, help="What residents are expected to cost.")


@need_app.callback()
def group() -> None:
    """Keep `train` a command of its own, whatever else comes."""


@need_app.command(name="train")
def need_train(
    month: Annotated[str, typer.Option(help="First month in force, as 2018-07.")],
    rulebook: Annotated[str, typer.Option(help="Scheme whose basket is foreseen.")] = (
        "reception_need"
    ),
    horizon: Annotated[int, typer.Option(min=3, max=24, help="Months of cost.")] = 12,
) -> None:
    """Fit the model on what the lake knows before a month, keep it as rows, and build on it."""
    # Here, not above: only this command needs numpy, which takes a second to import.
    from dagster_project.need.training import train  # noqa: PLC0415

    starts = _month(month)
    with pipeline.open_session(keyed(Settings())) as session, pipeline.recorded_run(session):
        _check_scheme(session.definition, rulebook)
        trained = train(
            session.lake, session.run, rulebook, valid_from_month=starts, horizon_months=horizon
        )
        typer.echo(_line(trained))
        pipeline.build(session, report=lambda _: None)
    typer.echo("expected cost and factors are built on it; `tietoallas run` publishes them")


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise SettingsError(f"{text!r} is no month; write it as 2018-07") from None


def _check_scheme(definition: pipeline.Definition, rulebook_id: str) -> None:
    versions = read_versions(definition.rulebooks)
    known = sorted({v.rulebook_id for v in versions if v.mode is Mode.NEED})
    if rulebook_id not in known:
        raise SettingsError(
            f"no payment scheme {rulebook_id} pays by need; the schemes that do: {', '.join(known)}"
        )


def _line(trained: Trained) -> str:
    told = f"trained {trained.model_id} on {trained.person_count} residents"
    if trained.quality is None:
        return f"{told}; the lake holds no earlier time to judge it by"
    quality = trained.quality
    return (
        f"{told}; of a later time, one like it explains {quality.r_squared:.1%} of the variance"
        f" (age and sex alone {quality.age_sex_r_squared:.1%}) and foresees"
        f" {quality.calibration:.1%} of the cost"
    )
