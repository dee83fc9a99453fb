"""Commands over what is published: `tietoallas release …`, `tietoallas sql`.

Here: arguments, what is printed, exit status. Not here: any work (`publish`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dagster_project import pipeline
from dagster_project.publish import export, history
from dagster_project.publish.omop import export_omop
from dagster_project.publish.proposal import proposed
from dagster_project.publish.release import ANALYSTS
from dagster_project.publish.shell import answer
from dagster_project.settings import Settings
from dagster_project.vault.keys import keyed

release_app = typer.Typer(no_args_is_help=True, help="What readers see, and saw before.")


@release_app.command(name="list")
def release_list() -> None:
    """Releases that stand: what they are of, and whether their person-level files are there."""
    for one in history.standing(Settings().published):
        release = one.release
        redacted = sum(table.redacted_count for table in release.tables)
        marks = [m for m, holds in (("current", one.is_current),) if holds]
        marks += [] if one.has_persons else ["person-level files withdrawn"]
        marks += ["disclosure limits overridden"] if release.disclosure_override else []
        line = (
            f"{release.release_id:12}build {release.build_id:<6}"
            f"data to {release.reached_date or '-':12}{len(release.tables):>4} tables"
            f"{redacted:>8} cells redacted  {', '.join(marks)}"
        )
        typer.echo(line.rstrip())


@release_app.command(name="diff")
def release_diff(
    before: Annotated[str, typer.Argument(help="Release, as 000003.")],
    after: Annotated[str, typer.Argument(help="The later; without it, the current one.")] = "",
) -> None:
    """What moved from one release to another, and why: data, rulebook or code."""
    settings = Settings()
    outputs = pipeline.load_definition(settings).outputs.contracts
    later = history.directory_of(settings.published, after).name
    keys = {name: contract.key for name, contract in outputs.items()}
    for moved in history.diff(settings.published, before, later, keys=keys):
        changed = "" if moved.changed_count is None else f"{moved.changed_count:>8} changed"
        typer.echo(
            f"{moved.path:52}{moved.added_count:>8} added{moved.removed_count:>8} removed{changed}"
        )
        typer.echo(f"    {'; '.join(moved.reasons) or 'no reason found: report it'}")
    typer.echo(f"from {before} to {later}; what is not told has not moved")


@release_app.command(name="verify")
def release_verify(
    release: Annotated[str, typer.Argument(help="Release; without it, the current one.")] = "",
) -> None:
    """Hold every file against its digest, and every mode against who may read it."""
    settings = Settings()
    directory = history.directory_of(settings.published, release)
    wrong = list(history.verify(settings, directory))
    for line in wrong:
        typer.secho(line, fg="red", err=True)
    if wrong:
        raise typer.Exit(1)
    typer.echo(f"release {directory.name} is whole, and open to its readers alone")


@release_app.command(name="rollback")
def release_rollback(
    release: Annotated[str, typer.Argument(help="Release, as 000003.")],
    reason: Annotated[str, typer.Option()],
) -> None:
    """Have readers see an older release, until something new is built; logged."""
    with pipeline.open_session(keyed(Settings())) as session:
        done = history.roll_back(session, release, reason=reason)
    typer.echo(f"readers see release {done.release_id}, data to {done.reached_date or '-'}")


@release_app.command(name="contract")
def release_contract(
    table: Annotated[str, typer.Argument(help="A mart of the current release, without `mart.`.")],
) -> None:
    """Propose the output contract of a mart that has none: columns, types, grain and key."""
    settings = Settings()
    model = pipeline.load_definition(settings).graph.model(f"mart.{table}")
    typer.echo(proposed(model, history.directory_of(settings.published, "")), nl=False)


@release_app.command(name="log")
def release_log() -> None:
    """What was done to releases: when, by whom, why."""
    with pipeline.open_session(keyed(Settings())) as session:
        rows = session.lake.rows(
            "select occurred_at, actor, event, release_id, reason from ops.release_event"
            " order by occurred_at, rowid"
        )
    for at, actor, event, release_id, reason in rows:
        typer.echo(f"{at:%Y-%m-%d %H:%M:%S}  {actor:16}{event:14}{release_id:12}{reason}".rstrip())


@release_app.command(name="omop")
def release_omop() -> None:
    """Add the OMOP CDM 5.4 of the current release to it, as Parquet, for its owner alone."""
    with pipeline.open_session(keyed(Settings())) as session:
        folder, files = export_omop(session)
    for file in files:
        left_out = f"  {file.left_out_count} left out" if file.left_out_count else ""
        typer.echo(f"{file.table:24}{file.row_count:>10} rows{left_out}")
    typer.echo(f"look at      {folder}")


@release_app.command(name="export")
def release_export(
    folder: Annotated[Path, typer.Argument(help="A new folder, for the secure environment.")],
    purpose: Annotated[str, typer.Option(help="Permit or decision that the data go out by.")],
    table: Annotated[
        list[str] | None, typer.Option(help="Of the analysts' database, as core.encounter.")
    ] = None,
) -> None:
    """Write tables of the analysts' database and a form on them; at most 50 files; logged."""
    with pipeline.open_session(keyed(Settings())) as session:
        done = export.write_bundle(session, folder, tables=table or [], purpose=purpose)
    typer.echo(f"{done.file_count} files of release {done.release_id} in {folder}")


def sql(
    query: Annotated[
        str, typer.Argument(help="A query; without it they are read line by line.")
    ] = "",
    release: Annotated[str, typer.Option(help="An earlier release; without it, the current.")] = "",
) -> None:
    """Ask the analysts' database, read-only: `tietoallas sql "from core.encounter limit 5"`."""
    settings = Settings()
    file = history.directory_of(settings.published, release) / ANALYSTS
    for line in answer(file, query):
        typer.echo(line)
