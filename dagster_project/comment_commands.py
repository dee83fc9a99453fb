"""Commands over clients' comments: `tietoallas comments read | worklist | show`.

Here: arguments, what is printed. Not here: any work (`comments`).
"""

from __future__ import annotations

import getpass
from dataclasses import astuple
from typing import TYPE_CHECKING

import typer

from dagster_project import pipeline
from dagster_project.asking import Purpose, say_why
from dagster_project.comments.worklist import cases, text_of_case
from dagster_project.settings import Settings
from dagster_project.vault.keys import keyed

if TYPE_CHECKING:
    from dagster_project.comments.reading import ReadLanguage

comments_app = typer.Typer(
    no_args_is_help=True, help="What clients say in their own words: topics, tone, cases."
)


@comments_app.command(name="read")
def comments_read(purpose: Purpose) -> None:
    """Read every comment in the vault's zone; the lake gets codes, no word. Each look is logged."""
    # Here, not above: only this command needs scikit-learn, which takes seconds to import.
    from dagster_project.comments.reading import read_comments  # noqa: PLC0415

    say_why(purpose, example="pack of the expert team 6/2017")
    with pipeline.open_session(keyed(Settings())) as session, pipeline.recorded_run(session):
        for told in read_comments(session, actor=getpass.getuser(), purpose=purpose):
            typer.echo(_line(told))
        pipeline.build(session, report=lambda _: None)
    typer.echo("counts are built on it; `tietoallas run` publishes them")


@comments_app.command(name="worklist")
def comments_worklist(limit: int = 50) -> None:
    """Comments by which integration fails: where each stands, without its text."""
    with pipeline.open_session(keyed(Settings())) as session:
        found = cases(session)
    for case in found[:limit]:
        table, sequence, record, *described = astuple(case)
        codes = " ".join(str(value or "-") for value in described)
        typer.echo(f"{table:30}{sequence:>10}{record:>8}  {codes}")
    typer.echo(f"{min(limit, len(found))} of {len(found)}")


@comments_app.command(name="show")
def comments_show(table: str, sequence: int, record: int, purpose: Purpose) -> None:
    """A case of the worklist in its own words, from the vault; who looked and why is logged."""
    say_why(purpose, example="pack of the expert team 6/2017")
    place = (table, sequence, record)
    with pipeline.open_session(keyed(Settings())) as session:
        text = text_of_case(session, place, actor=getpass.getuser(), purpose=purpose)
    typer.echo(text)


def _line(told: ReadLanguage) -> str:
    read = f"{told.language}: {told.comment_count} comments, {told.flagged_count} cases"
    if told.topic_f1 is None or told.sentiment_f1 is None:
        return f"{read}; too few to learn from, so that the sources' own codes stand"
    return (
        f"{read}; on texts not learnt from, topic F1 {told.topic_f1}, tone F1 {told.sentiment_f1}"
    )
