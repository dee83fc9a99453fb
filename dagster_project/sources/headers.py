"""Names of columns as sent against those of the contract, in every format that has a header.

Here: the comparison, and a refusal that names the contract's columns only. Not here: finding the
names in a file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest

from dagster_project.contracts.model import Column
from dagster_project.errors import DeliveryRefused


def names_due(columns: Sequence[Column], sequence: int) -> list[str]:
    """Names that the columns have in a delivery of this sequence."""
    return [c.source_name.replace("{sequence}", str(sequence)) for c in columns]


def check_names(
    found: Sequence[str],
    due: Sequence[str],
    *,
    line: int | None = None,
    hint: str = "",
    cell_of: Callable[[int], str] | None = None,
) -> None:
    """Compare names, in order.

    Args:
        found: What the file has.
        due: What the contract says.
        line: Where the header stands.
        hint: What may be wrong where there is one column only.
        cell_of: Sheet and cell of a column's heading, by its place from 1.

    Raises:
        DeliveryRefused: a column is missing, extra, renamed or out of place.
    """
    if list(found) == list(due):
        return
    pairs = enumerate(zip_longest(found, due), start=1)
    place = next(place for place, (f, d) in pairs if f != d)
    raise DeliveryRefused(
        "file.header",
        f"the header is not the contract's: {_difference(found, due, hint)}",
        line=line,
        column=next((d for f, d in zip(found, due, strict=False) if f != d), None),
        cell=cell_of(place) if cell_of else None,
    )


def _difference(found: Sequence[str], due: Sequence[str], hint: str) -> str:
    missing = [d for d in due if d not in found]
    extra = len([f for f in found if f not in due])
    if hint and len(found) <= 1 < len(due):
        return f"it has one column where {len(due)} are due; {hint}"
    if missing or extra:
        named = f"missing {', '.join(missing)}" if missing else "none missing"
        return (
            f"{named}; {extra} not in the contract; {len(found)} columns where {len(due)} are due"
        )
    if len(found) != len(due):
        return f"{len(found)} columns where {len(due)} are due: one is there twice"
    return f"the columns are not in the contract's order: {', '.join(due)}"
