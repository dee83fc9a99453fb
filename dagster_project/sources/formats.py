"""What every file format must be able to do; each is a module of this package.

Here: the shape that those modules have. Not here: which module reads which format (`readable`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dagster_project.contracts.model import Contract
from dagster_project.errors import DeliveryRefused

Fields = dict[str, str]
"""Values of a record as sent, by source name; empty where there is none."""
Edit = Callable[[int, Fields], Fields | None]
"""From a record and its number to the values it shall have; None where it shall stay as it is."""


@dataclass(frozen=True)
class Relation:
    """The records of a delivery, in the order of the file, for the gate to cast and judge."""

    sql: str
    """What to select from: text columns `raw_0 … raw_n` in the order of the contract, NULL where a
    value is missing, and `is_broken` where the format may break single records."""
    in_utc: frozenset[str] = frozenset()
    """Columns whose moments are in UTC whatever zone the contract names, for the file says so."""


class Format(Protocol):
    """One file format: a module with these functions."""

    MAY_BREAK_RECORDS: bool
    """Whether the relation has `is_broken`."""

    def prepared(
        self, path: Path, contract: Contract, *, sequence: int, temp: Path
    ) -> AbstractContextManager[Path]:
        """A path from which `relation` can read, for as long as the context is open.

        Raises:
            DeliveryRefused: the file breaks its contract as a whole.
        """

    def relation(self, path: Path, contract: Contract, sequence: int) -> Relation:
        """The records below a prepared path.

        Raises:
            DeliveryRefused: the file breaks its contract as a whole.
        """

    def check_count(self, path: Path, contract: Contract, record_count: int) -> None:
        """See that what the engine read is what the prepared file holds.

        Raises:
            DeliveryRefused: it is not.
        """

    def refusal(
        self, path: Path, contract: Contract, message: str, *, is_content: bool
    ) -> DeliveryRefused | None:
        """Why the engine gave up on a prepared file; None where it was not for the file.

        Args:
            path: The prepared file.
            contract: What it should keep.
            message: What the engine said. It may quote a record, hence a person.
            is_content: Whether the engine is sure that the file is at fault.
        """

    def record(self, data: bytes, contract: Contract, number: int) -> dict[str, str] | None:
        """A record as sent, by the number it has at the gate; None where there is none."""

    def rewritten(self, data: bytes, contract: Contract, edit: Edit) -> bytes:
        """The delivery with some records' values changed, and every record in its place.

        A value is emptied or kept, never moved to another column. Where a record cannot be taken
        apart, `edit` gets its text as the one field `line`.
        """
