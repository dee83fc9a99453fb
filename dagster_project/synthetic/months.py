"""Months as the generator counts them.

Here: the window of months and their days, as whole numbers. Not here: anything drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

EPOCH = date(1970, 1, 1)
SECONDS_A_DAY = 86_400
DAYS_A_YEAR = 365.25
NEVER = 1_000_000
"""A month index or day number that no window reaches."""


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


@dataclass(frozen=True)
class Month:
    """One delivery month; days are counted from 1970-01-01."""

    index: int
    """Position in the window, from 0."""
    sequence: int
    """yyyymm."""
    first: int
    """Its first day."""
    days: int

    @property
    def last(self) -> int:
        """Its last day."""
        return self.first + self.days - 1

    @property
    def year(self) -> int:
        """Calendar year."""
        return self.sequence // 100

    @property
    def number(self) -> int:
        """Month of the year, 1 to 12."""
        return self.sequence % 100

    def last_sunday(self) -> int:
        """Its last Sunday: in March and October the day on which the clocks are turned."""
        return self.last - (self.last + 4) % 7  # 1970-01-01 was a Thursday


def window(start_month: int, months: int) -> tuple[Month, ...]:
    """Consecutive months from `start_month` (yyyymm) on.

    Raises:
        ValueError: `start_month` is not a month, or there are no months.
    """
    if months < 1:
        raise ValueError(f"at least one month is needed, not {months}")
    serial = start_month // 100 * 12 + start_month % 100 - 1
    return tuple(_month(index, serial + index) for index in range(months))


def _month(index: int, serial: int) -> Month:
    year, zero_based = divmod(serial, 12)
    next_year, next_zero_based = divmod(serial + 1, 12)
    first = date(year, zero_based + 1, 1)
    days = (date(next_year, next_zero_based + 1, 1) - first).days
    return Month(index, year * 100 + zero_based + 1, day_number(first), days)
