"""Commands over lists of clients: `tietoallas guidance deliver | list`.

Here: arguments, what is printed. Not here: any work (`client_lists`, `vault.way_back`).
"""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from dagster_project import client_lists, pipeline
from dagster_project.asking import Purpose, say_why
from dagster_project.settings import Settings
from dagster_project.vault.keys import keyed
from dagster_project.vault.way_back import delivered_lists

guidance_app = typer.Typer(
    no_args_is_help=True, help="Lists of clients, for those who act on them."
)


@guidance_app.command(name="deliver")
def guidance_deliver(
    list_code: str,
    to: Annotated[str, typer.Option(help="Recipient, as the file of recipients names them.")],
    purpose: Purpose,
    basis: Annotated[str, typer.Option(help="Act and section that allow it; it is logged.")],
) -> None:
    """Seal a list of clients, under their identity codes, for one recipient."""
    say_why(purpose, example="calls of June to clients who may run out")
    say_why(basis, option="--basis", example="Sosiaalihuoltolaki 1301/2014, 42 §")
    with pipeline.open_session(keyed(Settings())) as session:
        pipeline.hide_places(session)
        done = client_lists.deliver_list(
            session,
            list_code,
            to=to,
            actor=getpass.getuser(),
            purpose=purpose,
            legal_basis=basis,
        )
    typer.echo(f"{done.delivery_code}: {done.row_count} rows on {done.person_count} persons")
    typer.echo(f"sealed for {to} in {done.path}; what comes of it returns as guidance/outcomes")


@guidance_app.command(name="list")
def guidance_list() -> None:
    """Lists that were delivered; files of those that are over are removed."""
    with pipeline.open_session(keyed(Settings())) as session:
        pipeline.hide_places(session)
        found = delivered_lists(session.identities, session.lake.settings.outgoing)
    for code, name, to, at, expires, row_count, is_there in found:
        state = "there" if is_there else "removed"
        typer.echo(f"{code:16}{name:20}{to:24}{at:%Y-%m-%d} to {expires}{row_count:>8}  {state}")
