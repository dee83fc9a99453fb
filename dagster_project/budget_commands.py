"""Commands over personal budgets: `tietoallas explain budget`.

Here: arguments, what is printed. Not here: any work (`budget_explanation`).
"""

from __future__ import annotations

import getpass
from datetime import datetime
from typing import Annotated

import typer

from dagster_project import budget_explanation, pipeline
from dagster_project.asking import Purpose, identity_code, say_why
from dagster_project.settings import Settings
from dagster_project.vault.keys import keyed


def explain_budget(
    purpose: Purpose,
    person: Annotated[
        int | None,
        typer.Option(help="Id in the analysts' file; without it the identity code is asked for."),
    ] = None,
    language: Annotated[str, typer.Option(help="fi, sv or en.")] = "fi",
    on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The proposal as it stood that day; the newest."),
    ] = None,
) -> None:
    """A proposal of a personal budget, from assessment to euros, in words for the client."""
    say_why(purpose, example="service plan of 1.6.2017")
    with pipeline.open_session(keyed(Settings())) as session:
        if person is None:
            found = session.identities.known_person(identity_code())
        else:
            found = budget_explanation.person_of_pseudonym(session, person)
        lines = budget_explanation.explain_budget(
            session,
            found,
            actor=getpass.getuser(),
            purpose=purpose,
            language=language,
            as_of=on.date() if on else None,
        )
        for line in lines:
            typer.echo(line)
