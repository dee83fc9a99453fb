"""Commands over personal budgets: `tietoallas explain budget`.

Here: arguments, what is printed. Not here: any work (`budget_explanation`). An identity code is
never an argument: it would stay in the shell's history.
"""

from __future__ import annotations

import getpass
from datetime import datetime
from typing import Annotated

import typer

from dagster_project import budget_explanation, pipeline
from dagster_project.errors import TietoallasError
from dagster_project.settings import Settings
from dagster_project.vault.keys import keyed


def explain_budget(
    purpose: Annotated[str, typer.Option(help="Why; it is logged with your name.")],
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
    if not purpose.strip():
        raise TietoallasError("say why: --purpose 'service plan of 1.6.2017'")
    with pipeline.open_session(keyed(Settings())) as session:
        if person is None:
            code = str(typer.prompt("identity code", hide_input=True)).strip()
            found = budget_explanation.person_of_code(session, code)
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
