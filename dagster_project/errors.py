"""Errors for people: what happened, where, by which rule, what to do next; never personal data.

Here: the exceptions that cross package boundaries. Not here: handling them (`cli`, `assets`).
"""

from __future__ import annotations


class TietoallasError(Exception):
    """Base of every error that is shown to a user as a message instead of a traceback."""


class SettingsError(TietoallasError):
    """The installation is not set up: a missing key, an unwritable home, too little disk."""


class ContractError(TietoallasError):
    """A contract is not valid, or names a rule that does not exist."""


class DeliveryRefused(TietoallasError):
    """A delivery breaks its contract as a whole; nothing of it was taken in.

    Attributes:
        rule_id: rule that was broken (`file.encoding`, `file.header`, `sequence.other_bytes`, …).
        line: 1-based line of the file, where one is known.
        column: header or 1-based position of the column, where one is known; of a byte that is no
            character its place in the line.
        cell: of a workbook its sheet and cell, as `Henkilöstö!D11`.
    """

    def __init__(
        self,
        rule_id: str,
        message: str,
        *,
        line: int | None = None,
        column: str | None = None,
        cell: str | None = None,
    ) -> None:
        self.rule_id = rule_id
        self.line = line
        self.column = column
        self.cell = cell
        named = {"line": line, "column": column, "cell": cell}
        where = "".join(f", {kind} {place}" for kind, place in named.items() if place)
        super().__init__(f"{message} [rule {rule_id}{where}]")


class VaultError(TietoallasError):
    """The vault cannot be opened, or what it holds does not match its own digest."""


class CheckFailed(TietoallasError):
    """A blocking check found violations; what stood before still stands."""


class BuildError(TietoallasError):
    """A model could not be built, or came out empty where rows were due."""
