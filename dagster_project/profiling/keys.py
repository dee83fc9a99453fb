"""What tells the rows of a file apart: the fewest columns that are complete and unique together.

Here: the search, exact over all records by 64-bit hashes. Not here: which columns may be in a key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from dagster_project.lake.connection import Lake
from dagster_project.profiling.measures import Measured, Records

_WIDEST = 3
_COLUMNS = 10
"""Columns that are tried together."""
_AT_A_TIME = 6
_PROBE_ROWS = 20_000
_ABOUT = 0.85
"""Of the rows: a count of distinct values is an estimate."""
_NEARLY = 0.98


@dataclass(frozen=True)
class Key:
    """Columns by their place, and rows that repeat what another row has there."""

    places: tuple[int, ...]
    repeated: int = 0


def find_key(
    lake: Lake, records: Records, measured: Measured, candidates: Sequence[int]
) -> Key | None:
    """The smallest key among candidates, which are complete and in order of likelihood.

    One column that nearly tells rows apart, and is the likeliest, is a key with repetitions.
    """
    rows = measured.row_count
    likely = [i for i in candidates if measured.columns[i].distinct >= _ABOUT * rows]
    counts = _distinct(lake, records, [(i,) for i in likely[:_AT_A_TIME]])
    for places, count in counts.items():
        if count == rows:
            return Key(places)
    found = _composite(lake, records, measured, candidates[:_COLUMNS])
    if found:
        return found
    nearly = [p for p, count in counts.items() if count >= _NEARLY * rows]
    return Key(nearly[0], rows - counts[nearly[0]]) if nearly else None


def repeated_rows(lake: Lake, records: Records, places: tuple[int, ...]) -> int:
    """Rows that repeat what another row has in some columns."""
    count = lake.count(f"select count(*) from {records.without_totals}")
    return count - _distinct(lake, records, [places])[places]


def _composite(
    lake: Lake, records: Records, measured: Measured, candidates: Sequence[int]
) -> Key | None:
    rows = measured.row_count
    if not rows or len(candidates) < 2:
        return None
    hashes = ", ".join(f"hash(raw_{i}) as raw_{i}" for i in candidates)
    lake.execute(
        f"create or replace temp table probe as select {hashes} from {records.without_totals}"
        f" limit {_PROBE_ROWS}"
    )
    probe = Records("probe", records.headings, records.dialect, records.stated)
    probed = lake.count("select count(*) from probe")
    for width in range(2, _WIDEST + 1):
        sets = [
            places
            for places in combinations(candidates, width)
            if _product(measured.columns[i].distinct for i in places) >= _ABOUT * rows
        ]
        unique = [p for p, count in _distinct(lake, probe, sets).items() if count == probed]
        for places, count in _distinct(lake, records, unique[:_AT_A_TIME]).items():
            if count == rows:
                return Key(places)
    return None


def _product(numbers: Iterable[int]) -> float:
    product = 1.0
    for number in numbers:
        product *= max(number, 1) * 1.1
    return product


def _distinct(
    lake: Lake, records: Records, sets: Sequence[tuple[int, ...]]
) -> dict[tuple[int, ...], int]:
    """Exact counts of what columns tell apart together."""
    if not sets:
        return {}
    terms = ", ".join(
        f"count(distinct hash({', '.join(f'raw_{i}' for i in places)}))" for places in sets
    )
    (row,) = lake.rows(f"select {terms} from {records.without_totals}")
    return dict(zip(sets, map(int, row), strict=True))
