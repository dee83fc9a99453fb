"""Commands over persons, keys, backups and the catalog: `tietoallas person …`, `backup`, `expire`.

Here: arguments, what is printed. Not here: any work (`rights`, `backup`, `vault.rotation`). An
identity code is never an argument: it would stay in the shell's history.
"""

from __future__ import annotations

import getpass
import json
import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from dagster_project import backup, pipeline, rights
from dagster_project.asking import Purpose, identity_code, say_why
from dagster_project.errors import SettingsError, TietoallasError
from dagster_project.lake import catalog_move
from dagster_project.settings import Settings
from dagster_project.vault.keys import keyed
from dagster_project.vault.rotation import rotate

person_app = typer.Typer(
    no_args_is_help=True, help="What is held on one person; the code is asked for, or from stdin."
)


@person_app.command(name="report")
def person_report(output: Path, purpose: Purpose) -> None:
    """Write everything that is held on a person into a new JSON file of mode 0600."""
    with pipeline.open_session(keyed(Settings())) as session:
        code, actor = _code(purpose), getpass.getuser()
        told = rights.access_report(session, code, actor=actor, purpose=purpose)
    _write_private(output, json.dumps(told, indent=2, ensure_ascii=False, default=str))
    typer.echo(
        f"wrote {output}: {len(told['records_as_sent'])} records as sent, rows of"
        f" {len(told['rows_in_core'])} tables; hand it over encrypted, then remove it"
    )


@person_app.command(name="erase")
def person_erase(
    purpose: Purpose,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
) -> None:
    """Erase a person from vault, lake and releases for good."""
    with pipeline.open_session(keyed(Settings())) as session, pipeline.recorded_run(session):
        code, actor = _code(purpose), getpass.getuser()
        if not yes:
            typer.confirm("This cannot be undone. Erase?", abort=True)
        done = rights.erase_person(session, code, actor=actor, purpose=purpose, report=typer.echo)
    typer.echo(
        f"erased {done.row_count} rows and {done.record_count} records as sent; release"
        f" {done.release.release_id} is made of what is left"
    )
    if done.landing_count:
        typer.echo(
            f"{done.landing_count} files lie in landing, refused, unfinished or kept, and may name"
            " the person: remove them, and have them sent anew without"
        )
    typer.echo("older backups still hold the person, as does every source that is not told")


def _code(purpose: str) -> str:
    say_why(purpose, example="request of 1.6.2017, register 123")
    return identity_code()


def _write_private(path: Path, text: str) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise SettingsError(f"{path} cannot be made ({error.strerror}); name a new file") from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


def expire(
    as_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day to judge by; today.")
    ] = None,
) -> None:
    """Remove deliveries that their contracts keep no longer, from vault, lake and releases."""
    with pipeline.open_session(keyed(Settings())) as session, pipeline.recorded_run(session):
        day = as_of.date() if as_of else datetime.now(UTC).date()
        done = rights.expire(session, as_of=_past(day), report=typer.echo)
    typer.echo(f"expired {done.delivery_count} deliveries with {done.row_count} rows")


def _past(day: date) -> date:
    if day > datetime.now(UTC).date():
        raise TietoallasError(f"{day} is yet to come, and what expires then is still due; wait")
    return day


def back_up(folder: Path) -> None:
    """Copy lake and vault into an empty folder, with a digest of every file; never the keys."""
    with pipeline.open_session(keyed(Settings())) as session:
        made = backup.back_up(session, folder)
    typer.echo(
        f"backed up {made.delivery_count} deliveries, {len(made.sha256)} files,"
        f" {made.byte_count / 1e6:.0f} MB to {folder}; the key file is not in it"
    )


def restore(folder: Path) -> None:
    """Put a backup in place as TIETOALLAS_HOME, which holds no lake yet; then `tietoallas run`."""
    settings = Settings()
    made = backup.restore(folder, settings)
    typer.echo(f"restored the backup of {made.created_at} UTC to {settings.home}")


def move_catalog(
    target: Annotated[
        str,
        typer.Option(
            prompt="connection string of an empty PostgreSQL database",
            hide_input=True,
            envvar="TIETOALLAS_NEW_CATALOG",
            help="As TIETOALLAS_CATALOG takes it; asked for, so that no password is in a history.",
        ),
    ],
) -> None:
    """Copy the catalog from SQLite into an empty PostgreSQL database, snapshots and all."""
    settings = Settings()
    catalog_move.move_catalog(settings, target)
    typer.echo("the catalog is in PostgreSQL: set TIETOALLAS_CATALOG to the same string")
    typer.echo(f"once it serves, remove {settings.lake / 'catalog.sqlite'}: nothing reads it then")


def keys_rotate(
    path: Path,
    audience: Annotated[
        list[str] | None, typer.Option(help="Whose pseudonyms change too; may be repeated.")
    ] = None,
) -> None:
    """Bring the vault under the keys of a new file; interrupted, call it again."""
    with pipeline.open_session(keyed(Settings())) as session:
        count = rotate(
            session.keyring,
            path,
            directory=session.lake.settings.vault / "deliveries",
            identities=session.identities,
            audiences=audience or (),
        )
    typer.echo(f"{count} deliveries and the identities open to {path} alone: set TIETOALLAS_KEYS")
    typer.echo("keep the old file for as long as backups made under it are kept")
