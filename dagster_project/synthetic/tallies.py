"""What the region's providers did, summed over all people: what the organiser and they report on.

Here: sums by provider and period from the rows of other tables as they are sent, and flags by
provider and topic. Not here: reporting them (`scorecards`, `expert_team`). Nothing here grows with
the population.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from dagster_project.synthetic.access import ACCESS, CHANNELS, THIRD_NEXT
from dagster_project.synthetic.clinical import MEASUREMENTS
from dagster_project.synthetic.months import Month, window
from dagster_project.synthetic.parameters import Parameters, Section

EXPERIENCE, FLAGS = "surveys/experience", "enrolment_portal/flags"


@dataclass(frozen=True)
class Period:
    """A period of the scorecard."""

    number: int
    """From 1."""
    first: int
    """Its first month, yyyymm."""
    last: int
    """Its last month."""

    def sequence(self, sender: int) -> int:
        """Sequence of a sender's workbook: year, quarter in which the period ends, sender."""
        year, month = divmod(self.last, 100)
        return year * 1000 + (month + 2) // 3 * 100 + sender


def periods(settings: Section, months: Sequence[Month]) -> tuple[Period, ...]:
    """The periods that lie in the window, each whole: five months at first, then every three."""
    first, last = settings["first_period"]
    known = {m.sequence for m in months}
    found, begin, end, number = [], first, last, 1
    while end <= months[-1].sequence:
        if begin in known:
            found.append(Period(number, begin, end))
        begin, end = (window(end, k)[-1].sequence for k in (2, 4))
        number += 1
    return tuple(found)


class Tallies:
    """Sums over all chunks of a region."""

    def __init__(self, parameters: Parameters, months: Sequence[Month]) -> None:
        self._settings = parameters.scorecards
        self._providers = dict(zip(parameters.site_ids, parameters.site_providers, strict=True))
        self.periods = periods(self._settings, months)
        self._period_of = {
            f"{m.sequence // 100}-{m.sequence % 100:02}": p
            for p in self.periods
            for m in months
            if p.first <= m.sequence <= p.last
        }
        self.counts: defaultdict[tuple[str, int, str], list[int]] = defaultdict(lambda: [0, 0])
        """Numerator and denominator by provider, number of the period, and indicator."""
        self.flags: defaultdict[tuple[str, str, str], list[Any]] = defaultdict(lambda: [0, None])
        """How many and the first one's id, by month (yyyy-mm), provider and topic."""
        self.long_waits: pl.DataFrame | None = None
        """The present chunk's and month's visits that were waited for longest."""
        self._wait_days = parameters.feedback["flags"]["after_wait_days"]
        self._counted: Mapping[str, Callable[[pl.DataFrame], list[pl.DataFrame]]] = {
            MEASUREMENTS: self._of_measurements,
            ACCESS: self._of_access,
            THIRD_NEXT: self._of_third_next,
            CHANNELS: _of_channels,
            EXPERIENCE: _of_experience,
        }

    def see(self, key: str, rows: pl.DataFrame) -> None:
        """Count a month's rows of a table, where they count for anything."""
        if key == FLAGS:
            self._see_flags(rows)
        for part in self._counted[key](rows) if key in self._counted else ():
            sums = part.group_by("site_id", "month", "indicator").agg(
                pl.col("numerator").sum(), pl.col("denominator").sum()
            )
            for site, month, indicator, numerator, denominator in sums.iter_rows():
                self.add(site, month, indicator, (int(numerator), int(denominator)))

    def add(self, site: str, month: str, indicator: str, sums: tuple[int, int]) -> None:
        """Add to the sums of a site's provider; `month` is yyyy-mm."""
        period = self._period_of.get(month)
        if period is not None:
            held = self.counts[self._providers[site], period.number, indicator]
            held[0] += sums[0]
            held[1] += sums[1]

    def _see_flags(self, rows: pl.DataFrame) -> None:
        raised = rows.filter(pl.col("flag_state_code") == "open")
        named = zip(
            raised["raised_at"].str.slice(0, 7),
            raised["provider_id"],
            raised["topic_code"],
            raised["flag_id"],
            strict=True,
        )
        for month, provider, topic, flag in named:
            held = self.flags[month, provider, topic]
            held[0] += 1
            held[1] = held[1] or flag

    def _of_measurements(self, rows: pl.DataFrame) -> list[pl.DataFrame]:
        goals = pl.DataFrame(
            {
                "indicator": [g["indicator"] for g in self._settings["goals"]],
                "test_code": [g["test"] for g in self._settings["goals"]],
                "unit": [g["unit"] for g in self._settings["goals"]],
                "below": [float(g["below"]) for g in self._settings["goals"]],
                "most": [float(g["most"]) for g in self._settings["goals"]],
            }
        )
        value = pl.col("value_text").str.replace(",", ".", literal=True)
        joined = rows.join(goals, on=["test_code", "unit"]).with_columns(
            value=value.cast(pl.Float64, strict=False), month=_month("measured_at")
        )
        sound = joined.filter(
            pl.col("value") < pl.col("most"), pl.col("status_code").is_in(["final", "corrected"])
        )
        return [
            sound.select(
                "site_id",
                "month",
                "indicator",
                numerator=(pl.col("value") < pl.col("below")).cast(pl.Int64),
                denominator=pl.lit(1),
            )
        ]

    def _of_access(self, rows: pl.DataFrame) -> list[pl.DataFrame]:
        visited, contacted = (
            pl.col(c).str.slice(0, 10).str.to_date() for c in ("visited_at", "contacted_at")
        )
        waited = rows.filter(pl.col("visited_at").is_not_null()).with_columns(
            wait=(visited - contacted).dt.total_days(), month=_month("visited_at")
        )
        self.long_waits = waited.filter(pl.col("wait") > self._wait_days)
        days = self._settings["access_days"]
        soon = (pl.col("wait") <= days).cast(pl.Int64)
        return [_parts(waited, "access_7_days", soon, pl.lit(1))]

    def _of_third_next(self, rows: pl.DataFrame) -> list[pl.DataFrame]:
        of_doctors = rows.filter(
            pl.col("profession_code").is_in(self._settings["t3_professions"])
        ).with_columns(month=_month("measured_date"))
        days = pl.col("without_named_days").cast(pl.Int64)
        return [_parts(of_doctors, "t3_days", days, pl.lit(1))]


def _of_channels(rows: pl.DataFrame) -> list[pl.DataFrame]:
    dated = rows.with_columns(month=_month("week_start_date"))
    numbers = [
        pl.col(c).cast(pl.Int64)
        for c in ("arrived_count", "answered_count", "answered_in_2_days_count")
    ]
    calls = dated.filter(pl.col("channel_code") == "telephone")
    messages = dated.filter(pl.col("channel_code") == "digital_message")
    return [
        _parts(calls, "calls_answered", numbers[1], numbers[0]),
        _parts(messages, "messages_in_2_days", numbers[2], numbers[1]),
    ]


def _of_experience(rows: pl.DataFrame) -> list[pl.DataFrame]:
    points = pl.col("recommendation").cast(pl.Int64)
    net = (points >= 9).cast(pl.Int64) - (points <= 6).cast(pl.Int64)
    dated = rows.with_columns(month=_month("answered_at"))
    return [_parts(dated, "nps", net, pl.lit(1))]


def _month(column: str) -> pl.Expr:
    return pl.col(column).str.slice(0, 7)


def _parts(
    rows: pl.DataFrame, indicator: str, numerator: pl.Expr, denominator: pl.Expr
) -> pl.DataFrame:
    return rows.select(
        "site_id",
        "month",
        indicator=pl.lit(indicator),
        numerator=numerator,
        denominator=denominator,
    )
