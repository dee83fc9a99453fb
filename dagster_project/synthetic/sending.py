"""How rows of a chunk reach their files: on time, late, corrected, or as the first version of more.

Here: the way from rows as text to the monthly increments of the tables that `apotti` adds. Not
here: what stands in the rows. A row goes once into a file: of its versions one a month at most.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from dagster_project.contracts.model import Contract
from dagster_project.synthetic.dirt import Dirt
from dagster_project.synthetic.draws import Ints, some
from dagster_project.synthetic.manifest import Manifest
from dagster_project.synthetic.months import SECONDS_A_DAY, Month
from dagster_project.synthetic.outbox import Outbox
from dagster_project.synthetic.writers import Deliveries

_HOUR = 3600


@dataclass
class Sender:
    """Sends the rows of one chunk; frames hold a contract's columns as text, and flags for dirt."""

    rng: np.random.Generator
    deliveries: Deliveries
    manifest: Manifest
    months: Sequence[Month]
    dirt: Dirt | None
    watch: Callable[[str, pl.DataFrame], None] = lambda key, rows: None
    """Told of every month's rows of a table, without dirt."""
    _waiting: defaultdict[str, Outbox] = field(default_factory=lambda: defaultdict(Outbox))

    def contract(self, key: str) -> Contract:
        """The contract that a table's deliveries keep to."""
        return self.deliveries.contract(key, self.months[0].sequence)

    def send(self, key: str, month: Month, rows: pl.DataFrame) -> pl.DataFrame:
        """Add a month's rows and those that waited for it, with dirt; returns them without.

        A month without a row gets no file, which shows as a gap.
        """
        rows = self._waiting[key].due(month.index, rows)
        if len(rows):
            self.deliveries.append(key, month.sequence, self._spoiled(key, month, rows))
            self.watch(key, rows)
        return rows

    def _spoiled(self, key: str, month: Month, rows: pl.DataFrame) -> pl.DataFrame:
        if self.dirt is None:
            return rows
        file = self.deliveries.file_name(key, month.sequence)
        first = self.deliveries.records.get(file, 0) + 1
        contract = self.deliveries.contract(key, month.sequence)
        return self.dirt.spoil(self.rng, contract, rows, month=month, file=file, first_record=first)

    def send_later(self, key: str, index: Ints, rows: pl.DataFrame) -> None:
        """Keep further versions for the months (by window index) in which they are due."""
        for due in np.unique(index):
            if due < len(self.months):
                self._waiting[key].put(int(due), rows.filter(index == due))

    def send_earlier(self, key: str, index: Ints, rows: pl.DataFrame) -> None:
        """Add first versions to increments of months that are past; none before the window."""
        for past in np.unique(index[index >= 0]):
            self.deliveries.append(key, self.months[past].sequence, rows.filter(index == past))

    def hold_back(self, key: str, month: Month, rows: pl.DataFrame, share: float) -> pl.DataFrame:
        """Let a share of the rows come one increment late; returns the others."""
        late = some(self.rng, share, size=len(rows))
        held = rows.filter(late)
        if month.index + 1 < len(self.months) and len(held):
            self._waiting[key].put(month.index + 1, held)
            self._count("late_arrivals", key, month.index + 1, held)
        return rows.filter(~late)

    def correct(self, key: str, month: Month, rows: pl.DataFrame) -> None:
        """Send corrected versions in the last days of the month after; `updated_at` is set here."""
        index = month.index + 1
        if index >= len(self.months) or not len(rows):
            return
        saved = self.last_days(self.months[index], len(rows))
        form = self.contract(key).dialect.timestamp_format
        text = pl.Series(saved * 1000).cast(pl.Datetime("ms")).dt.to_string(form)
        self._waiting[key].put(index, rows.with_columns(updated_at=text))
        self._count("corrections", key, index, rows)

    def last_days(self, month: Month, size: int) -> Ints:
        """Office hours of the month's last days, local seconds since 1970-01-01 00:00."""
        day = month.first + self.rng.integers(27, month.days, size)
        return day * SECONDS_A_DAY + self.rng.integers(9 * _HOUR, 15 * _HOUR, size)

    def _count(self, section: str, key: str, index: int, rows: pl.DataFrame) -> None:
        column = self.contract(key).primary_key[0]
        keys = [] if column == "person_id" else rows[column].to_list()
        sequence = self.months[index].sequence
        self.manifest.count(section, key, sequence=sequence, keys=keys or [None] * len(rows))
