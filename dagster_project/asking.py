"""What every command asks before it shows or moves what is held on persons: why, and about whom.

Here: the questions. Not here: any answer. An identity code is never an argument: it would stay in
the shell's history.
"""

from __future__ import annotations

from typing import Annotated

import typer

from dagster_project.errors import TietoallasError

Purpose = Annotated[str, typer.Option(help="Why; it is logged with your name.")]


def say_why(stated: str, *, example: str, option: str = "--purpose") -> None:
    """Refuse what states no reason.

    Raises:
        TietoallasError: nothing but blanks.
    """
    if not stated.strip():
        raise TietoallasError(f"say why: {option} '{example}'")


def identity_code() -> str:
    """The code that is typed, unseen, or comes from standard input."""
    return str(typer.prompt("identity code", hide_input=True)).strip()
