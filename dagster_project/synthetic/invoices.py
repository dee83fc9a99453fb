"""Bills of specialised care: lines, credit notes, and what they come to by month.

Here: drawing invoices of episodes that have ended by the prices of `hospital.yaml`. Not here: the
episodes (`hospital`), how rows reach their files (`sending`). Amounts are whole cents.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from dagster_project.synthetic.care import (
    EMERGENCY,
    INPATIENT,
    KINDS,
    OUTPATIENT,
    PSYCHIATRY,
    REMOTE,
    CareModel,
)
from dagster_project.synthetic.clinical import DATE, TIME
from dagster_project.synthetic.draws import Chooser, Ints, date_text, labels, some, time_text
from dagster_project.synthetic.identities import Identities
from dagster_project.synthetic.months import SECONDS_A_DAY, Month
from dagster_project.synthetic.outbox import Outbox
from dagster_project.synthetic.sending import Sender

INVOICES = "hus/invoices"
_HOUR = 3600
_LINE = {
    "invoice": pl.Int64,
    "line": pl.Int64,
    "episode": pl.Int64,
    "person": pl.Int64,
    "unit": pl.Int64,
    "speciality": pl.Int64,
    "invoiced": pl.Int64,
    "service": pl.Int64,
    "product": pl.Int64,
    "quantity": pl.Int64,
    "cents": pl.Int64,
    "credited": pl.Int64,
}
"""Columns of lines while they are numbers; -1 is none."""
_LISTS = ("outpatient_visit", "psychiatric_visit", "emergency_visit", "remote_contact")
_EXAMINATION = "examination"


@dataclass
class Invoiced:
    """Cents that invoices and credit notes of a region come to, for the ledger that books them."""

    cents: Counter[tuple[int, str, str | None]] = field(default_factory=Counter)
    """By month of the invoice (position in the window), unit and speciality; a speciality of None
    is what bills no episode. All that is dated in the month, whenever its row is sent."""

    def add(self, month: Month, lines: pl.DataFrame, care: CareModel) -> None:
        """Count a month's lines."""
        sums = lines.group_by("unit", "speciality").agg(pl.col("cents").sum())
        for unit, speciality, cents in sums.iter_rows():
            code = care.specialities[speciality] if speciality >= 0 else None
            self.cents[month.index, care.units[unit], code] += cents


@dataclass(frozen=True)
class _Prices:
    """Every product of the price list, the groups of stays behind those of visits."""

    codes: tuple[str, ...]
    cents: Ints
    choosers: dict[str, Chooser]
    """Position by list."""
    first_group: int

    @classmethod
    def of(cls, care: CareModel) -> _Prices:
        """From the parameter file."""
        settings = care.settings["invoices"]
        lists: dict[str, list[list[Any]]] = {n: settings[n] for n in (*_LISTS, _EXAMINATION)}
        singles = [settings["psychiatric_bed_day"], settings["extra_bed_day"]]
        flat = [row[:2] for rows in lists.values() for row in rows] + singles
        flat += [[code, 0] for code in settings["readiness"]]
        names = [name for name, rows in lists.items() for _ in rows]
        weights = [row[2] for rows in lists.values() for row in rows] + [0] * (
            len(flat) - len(names)
        )
        own = np.array([*names, *[""] * (len(flat) - len(names))])
        choosers = {n: Chooser.of([np.where(own == n, weights, 0.0).tolist()]) for n in lists}
        return cls(
            codes=(*(row[0] for row in flat), *(f"DRG-{group}" for group in care.groups)),
            cents=np.concatenate([np.array([row[1] * 100 for row in flat]), care.cents]),
            choosers=choosers,
            first_group=len(flat),
        )


class Billing:
    """Invoices of one chunk, month by month."""

    def __init__(
        self,
        sender: Sender,
        care: CareModel,
        identities: Identities,
        *,
        first_id: int,
        readiness_for: int,
        invoiced: Invoiced,
    ) -> None:
        self._sender, self._rng = sender, sender.rng
        self.care, self._identities = care, identities
        self._settings = care.settings["invoices"]
        self._prices = _Prices.of(care)
        self._next = first_id
        self._readiness_for = readiness_for
        """Residents whose readiness fees this chunk's invoices hold; none in all but the first."""
        self._invoiced = invoiced
        self._unbilled = Outbox()
        self._credits = Outbox()
        self._examined = np.array([self._settings["examined_share"][kind] for kind in KINDS])
        self._is_psychiatric = np.array([code in PSYCHIATRY for code in care.specialities])

    def note(self, month: Month, episodes: pl.DataFrame) -> None:
        """Keep episodes that ended in a month for the invoices of the two after it."""
        soon = some(self._rng, self._settings["next_month_share"], size=len(episodes))
        self._unbilled.put(month.index + 1, episodes.filter(soon))
        self._unbilled.put(month.index + 2, episodes.filter(~soon))

    def deliver(self, month: Month) -> None:
        """Send a month's invoices and credit notes."""
        fresh = self._billed(month)
        again = self._credits.due(month.index, _no_lines())
        day = month.first + self._rng.integers(3, 26, len(again))
        again = again.with_columns(invoiced=pl.Series(_by_invoice(again, day), dtype=pl.Int64))
        self._credit(month, fresh)
        readiness = self._readiness(month)
        lines = pl.concat([fresh, again])
        self._invoiced.add(month, pl.concat([lines, readiness]), self.care)
        self._send(month, lines, readiness)

    def _billed(self, month: Month) -> pl.DataFrame:
        """Lines of the episodes whose turn it is, one invoice each."""
        waiting = self._unbilled.due(month.index, pl.DataFrame())
        if not len(waiting):
            return _no_lines()
        rng, size = self._rng, len(waiting)
        base = waiting.select(
            "episode",
            "person",
            "unit",
            "speciality",
            invoice=self._take(size),
            invoiced=pl.Series(month.first + rng.integers(3, 26, size)),
            service=pl.col("ended") // SECONDS_A_DAY,
            credited=pl.lit(-1, pl.Int64),
        )
        parts = [
            _lines_of(base, positions, product, quantity, self._prices.cents)
            for positions, product, quantity in (
                self._products(waiting),
                self._examinations(waiting),
                self._extra_days(waiting),
            )
        ]
        lines = pl.concat(parts).sort("invoice", maintain_order=True)
        number = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("invoice")
        return lines.with_columns(line=number).select(*_LINE)

    def _take(self, size: int) -> pl.Series:
        taken = np.arange(self._next, self._next + size)
        self._next += size
        return pl.Series(taken)

    def _products(self, episodes: pl.DataFrame) -> tuple[Ints, Ints, Ints]:
        """What each episode is billed as, and how many of it."""
        kind, group = episodes["kind"].to_numpy(), episodes["group"].to_numpy()
        is_psychiatric = self._is_psychiatric[episodes["speciality"].to_numpy()]
        product = np.zeros(len(episodes), dtype=np.int64)
        for name, chosen in (
            ("outpatient_visit", (kind == OUTPATIENT) & ~is_psychiatric),
            ("psychiatric_visit", (kind == OUTPATIENT) & is_psychiatric),
            ("emergency_visit", kind == EMERGENCY),
            ("remote_contact", kind == REMOTE),
        ):
            which = np.zeros(chosen.sum(), dtype=np.int64)
            product[chosen] = self._prices.choosers[name].choose(self._rng, which)
        product = np.where(group >= 0, self._prices.first_group + group, product)
        by_day = (kind == INPATIENT) & is_psychiatric
        bed_day = self._prices.codes.index(self._settings["psychiatric_bed_day"][0])
        product = np.where(by_day, bed_day, product)
        quantity = np.where(by_day, np.maximum(_nights(episodes), 1), 1)
        return np.arange(len(episodes)), product, quantity

    def _examinations(self, episodes: pl.DataFrame) -> tuple[Ints, Ints, Ints]:
        kind = episodes["kind"].to_numpy()
        at = np.flatnonzero(self._rng.random(len(kind)) < self._examined[kind])
        chooser = self._prices.choosers[_EXAMINATION]
        product = chooser.choose(self._rng, np.zeros(len(at), dtype=np.int64))
        return at, product, 1 + self._rng.integers(0, 2, len(at))

    def _extra_days(self, episodes: pl.DataFrame) -> tuple[Ints, Ints, Ints]:
        """Bed days beyond what the group's price covers."""
        group, kind = episodes["group"].to_numpy(), episodes["kind"].to_numpy()
        is_psychiatric = self._is_psychiatric[episodes["speciality"].to_numpy()]
        covered = 3 * self.care.days[np.maximum(group, 0)].astype(np.int64) + 2
        beyond = np.where((kind == INPATIENT) & ~is_psychiatric, _nights(episodes) - covered, 0)
        at = np.flatnonzero(beyond > 0)
        product = self._prices.codes.index(self._settings["extra_bed_day"][0])
        return at, np.full(len(at), product), beyond[at]

    def _credit(self, month: Month, lines: pl.DataFrame) -> None:
        """Choose invoices to be credited the month after, and billed again for less."""
        invoices = lines["invoice"].unique(maintain_order=True)
        share = self._settings["credited_share"]
        wrong = invoices.filter(some(self._rng, share, size=len(invoices)))
        chosen = lines.filter(pl.col("invoice").is_in(wrong.implode()))
        notes = chosen.with_columns(
            invoice=self._renumbered(chosen, wrong),
            cents=-pl.col("cents"),
            credited=pl.col("invoice"),
        )
        less = (pl.col("cents") * self._settings["rebilled_share"]).round().cast(pl.Int64)
        rebilled = chosen.with_columns(invoice=self._renumbered(chosen, wrong), cents=less)
        self._credits.put(month.index + 1, pl.concat([notes, rebilled]))

    def _renumbered(self, lines: pl.DataFrame, invoices: pl.Series) -> pl.Series:
        numbers = self._take(len(invoices))
        return lines["invoice"].replace_strict(invoices, numbers, return_dtype=pl.Int64)

    def _readiness(self, month: Month) -> pl.DataFrame:
        """Fees that bill no episode, one invoice a unit, by its share of the area's units."""
        if not self._readiness_for:
            return _no_lines()
        fees: dict[str, int] = self._settings["readiness"]
        units = range(len(self.care.units))
        yearly = self._readiness_for * 100 / len(units)
        pairs = [(unit, number, *fee) for unit in units for number, fee in enumerate(fees.items())]
        invoices = self._take(len(units))
        nobody = dict.fromkeys(("episode", "person", "speciality", "credited"), -1)
        rows = [
            nobody
            | {
                "invoice": invoices[unit],
                "line": number + 1,
                "unit": unit,
                "invoiced": month.last,
                "service": month.last,
                "product": self._prices.codes.index(product),
                "quantity": 1,
                "cents": round(yearly * fee / 12),
            }
            for unit, number, product, fee in pairs
        ]
        return pl.DataFrame(rows, schema=_LINE)

    def _send(self, month: Month, lines: pl.DataFrame, readiness: pl.DataFrame) -> None:
        sender, settings = self._sender, self._settings
        rows = sender.hold_back(INVOICES, month, self._text(lines, month), settings["late_share"])
        wrong = rows.filter(some(self._rng, settings["corrected_share"], size=len(rows)))
        # Amounts stand: what is wrong in an amount is credited.
        day_before = pl.col("service_date").str.to_date().dt.offset_by("-1d").dt.to_string(DATE)
        sender.correct(INVOICES, month, wrong.with_columns(service_date=day_before))
        sender.send(INVOICES, month, pl.concat([rows, self._text(readiness, month)]))

    def _text(self, lines: pl.DataFrame, month: Month) -> pl.DataFrame:
        """The contract's columns as text."""
        person, speciality = lines["person"].to_numpy(), lines["speciality"].to_numpy()
        nobody = pl.Series(person < 0)
        codes = self._identities.current(month.index).gather(pl.Series(np.maximum(person, 0)))
        saved = lines["invoiced"] * SECONDS_A_DAY + 15 * _HOUR
        numbers = {
            name: lines[column].set(lines[column] < 0, None).cast(pl.String)
            for name, column in (
                ("invoice_id", "invoice"),
                ("invoice_line_number", "line"),
                ("episode_id", "episode"),
                ("credited_invoice_id", "credited"),
                ("quantity", "quantity"),
            )
        }
        hidden = self._identities.protected(month.index)[np.maximum(person, 0)]
        specialities = (*self.care.specialities, None)
        return pl.DataFrame(
            numbers
            | {
                "person_id": codes.set(nobody, None),
                "unit_code": labels(self.care.units, lines["unit"].to_numpy()),
                "speciality_code": labels(
                    specialities, np.where(speciality < 0, len(specialities) - 1, speciality)
                ),
                "invoiced_date": date_text(lines["invoiced"].to_numpy(), DATE),
                "service_date": date_text(lines["service"].to_numpy(), DATE),
                "product_code": labels(self._prices.codes, lines["product"].to_numpy()),
                "amount_eur": _euros(lines["cents"]),
                "is_credit": labels(
                    ("false", "true"), (lines["credited"] >= 0).cast(pl.Int64).to_numpy()
                ),
                "updated_at": time_text(saved, TIME),
                "is_protected": hidden & (person >= 0),
                "is_odd": person < 0,
            }
        )


def _no_lines() -> pl.DataFrame:
    return pl.DataFrame(schema=_LINE)


def _lines_of(
    base: pl.DataFrame, at: Ints, product: Ints, quantity: Ints, prices: Ints
) -> pl.DataFrame:
    """Lines of some invoices, without their numbers."""
    return base[at].with_columns(
        product=pl.Series(product, dtype=pl.Int64),
        quantity=pl.Series(quantity, dtype=pl.Int64),
        cents=pl.Series(quantity * prices[product], dtype=pl.Int64),
    )


def _nights(episodes: pl.DataFrame) -> Ints:
    nights: Ints = (
        episodes["ended"].to_numpy() // SECONDS_A_DAY
        - episodes["started"].to_numpy() // SECONDS_A_DAY
    )
    return nights


def _by_invoice(lines: pl.DataFrame, day: Ints) -> Ints:
    """The day of each line's invoice: that of its first line."""
    _, first, which = np.unique(lines["invoice"].to_numpy(), return_index=True, return_inverse=True)
    days: Ints = day[first][which]
    return days


def _euros(cents: pl.Series) -> pl.Series:
    """Cents as text with a decimal point."""
    whole = cents.abs()
    sign = pl.Series(["", "-"]).gather((cents < 0).cast(pl.Int64))
    digits = (whole % 100).cast(pl.String).str.zfill(2)
    return sign + (whole // 100).cast(pl.String) + "." + digits
