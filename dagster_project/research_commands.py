"""Commands of the research extract: `tietoallas research key | extract`.

Here: arguments, what is printed. Not here: any work (`publish.research`, `vault.keys`).
"""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

from dagster_project import pipeline
from dagster_project.asking import Purpose, say_why
from dagster_project.publish.research import write_extract
from dagster_project.settings import Settings
from dagster_project.vault.keys import create_research_key, keyed, read_research_key

research_app = typer.Typer(
    no_args_is_help=True, help="Data of the research on budgets, under ids of its own."
)


@research_app.command(name="key")
def research_key(path: Path) -> None:
    """Make a key of research pseudonyms; who runs the lake need not hold it."""
    create_research_key(path)
    typer.echo(f"made {path}; the controller keeps it apart from the lake and its keys")


@research_app.command(name="extract")
def research_extract(
    folder: Annotated[Path, typer.Argument(help="A new folder, for the secure environment.")],
    key: Annotated[Path, typer.Option(help="Key file of research pseudonyms.")],
    purpose: Purpose,
) -> None:
    """Write what table 5 of the plan allows on those whose consent is in force today; logged."""
    say_why(purpose, example="THL/1234/14.06.00")
    settings = keyed(Settings())
    secret = read_research_key(key, settings)
    with pipeline.open_session(settings) as session:
        pipeline.hide_places(session)
        done = write_extract(session, folder, key=secret, actor=getpass.getuser(), purpose=purpose)
    typer.echo(f"{done.file_count} files of release {done.release_id} in {folder}")
    typer.echo("dropped.parquet names the ids to be removed from earlier extracts")
