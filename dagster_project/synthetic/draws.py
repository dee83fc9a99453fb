"""Small vectorised draws that every part of the generator uses.

Here: weighted choice, months and times as text. Not here: what is drawn and why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from dagster_project.synthetic.months import DAYS_A_YEAR, NEVER

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

AGE_GROUP_STARTS = np.array([0, 7, 18, 45, 65, 80])
"""First year of each age group of the parameter files."""


@dataclass(frozen=True)
class Chooser:
    """Weighted choice of one of `width` options, with other weights in each group."""

    steps: Floats
    width: int

    @classmethod
    def of(cls, weights: Sequence[Sequence[float]] | Floats) -> Chooser:
        """From a table of weights, one row a group; a row's sum is above zero."""
        table = np.asarray(weights, dtype=np.float64)
        cumulated = np.cumsum(table, axis=1)
        shares = cumulated / cumulated[:, -1:]
        shares[:, -1] = 1.0
        return cls((shares + np.arange(len(table))[:, None]).ravel(), table.shape[1])

    def choose(self, rng: np.random.Generator, groups: Ints) -> Ints:
        """One option (0-based) for each element of `groups` (0-based rows of the table)."""
        points = groups + rng.random(len(groups))
        return np.searchsorted(self.steps, points, side="right") - groups * self.width


def choose(rng: np.random.Generator, weights: Sequence[float], *, size: int) -> Ints:
    """`size` options (0-based) by one list of weights."""
    return Chooser.of([list(weights)]).choose(rng, np.zeros(size, dtype=np.int64))


def some(rng: np.random.Generator, share: float, *, size: int) -> Mask:
    """True for about `share` of `size` elements."""
    return rng.random(size) < share


def ages(birth: Ints, day: int) -> Floats:
    """Age in years on a day, from days of birth."""
    return (day - birth) / DAYS_A_YEAR


def age_groups(years: Floats) -> Ints:
    """Age group (0 to 5) of ages in years; below zero counts as the first."""
    return np.clip(np.searchsorted(AGE_GROUP_STARTS, years, side="right") - 1, 0, 5)


def date_text(days: Ints, form: str) -> pl.Series:
    """Days since 1970-01-01 as text; `NEVER` becomes null."""
    known = pl.Series(days).cast(pl.Int32)
    return known.set(known >= NEVER, None).cast(pl.Date).dt.to_string(form)


def time_text(seconds: pl.Series, form: str) -> pl.Series:
    """Local seconds since 1970-01-01 00:00 as text; nulls stay."""
    return (seconds * 1000).cast(pl.Datetime("ms")).dt.to_string(form)


def labels(names: Sequence[str | None], positions: Ints) -> pl.Series:
    """The name at each position."""
    return pl.Series(list(names), dtype=pl.String).gather(pl.Series(positions))
