"""Rows that wait for a later increment.

Here: late rows and corrections, by the month in which they are sent. Not here: why a row waits.
"""

from __future__ import annotations

from collections import defaultdict

import polars as pl


class Outbox:
    """Frames by month index; rows due after the window are never sent."""

    def __init__(self) -> None:
        self._waiting: defaultdict[int, list[pl.DataFrame]] = defaultdict(list)

    def put(self, index: int, rows: pl.DataFrame) -> None:
        """Keep rows for the increment of a month."""
        if len(rows):
            self._waiting[index].append(rows)

    def due(self, index: int, rows: pl.DataFrame) -> pl.DataFrame:
        """The month's own rows, with those that waited for it behind them."""
        return pl.concat([rows, *self._waiting.pop(index, [])])
