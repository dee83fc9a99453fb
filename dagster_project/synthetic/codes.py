"""Personal identity codes of people who do not exist.

Here: well-formed codes with individual numbers 900-999, which the population register gives to no
resident (Digital and Population Data Services Agency: 002-899 are in use), each handed out once.
Not here: pseudonyms; whose code changes when.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from dagster_project.synthetic.draws import Ints, Mask, date_text
from dagster_project.synthetic.months import day_number

CHECK_CHARACTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
"""Check character by remainder of ddmmyynnn divided by 31."""
MARKS = {18: "+", 19: "-YXWVU", 20: "ABCDEF"}
"""Century marks by century of birth (Government decree 690/2022 added the later ones)."""
_NUMBERS_A_MARK = 49
"""Individual numbers of a sex, 900-997; 998 and 999 are kept for planted pairs."""
RESERVED_FEMALE, RESERVED_MALE = 998, 999
_FIRST_BIRTH, _YEAR_2000, _LAST_BIRTH = date(1900, 1, 1), date(2000, 1, 1), date(2060, 1, 1)


def build_codes(birth: Ints, marks: pl.Series, numbers: Ints) -> pl.Series:
    """Codes from days of birth (since 1970-01-01), century marks and individual numbers."""
    digits = date_text(birth, "%d%m%y")
    remainder = (digits.cast(pl.Int64).to_numpy() * 1000 + numbers) % 31
    check = pl.Series(list(CHECK_CHARACTERS)).gather(pl.Series(remainder))
    return digits + marks + pl.Series(numbers).cast(pl.String) + check


def is_valid_code(code: str) -> bool:
    """Whether a code is well formed and its check character right."""
    digits = code[:6] + code[7:10]
    if len(code) != 11 or not digits.isdigit():
        return False
    marked = any(code[6] in marks for marks in MARKS.values())
    return marked and CHECK_CHARACTERS[int(digits) % 31] == code[10]


def with_wrong_check(code: str) -> str:
    """The code with a check character that does not fit."""
    position = CHECK_CHARACTERS.index(code[-1])
    return code[:-1] + CHECK_CHARACTERS[(position + 1) % len(CHECK_CHARACTERS)]


class IdentityCodes:
    """Hands out each code once: 294 a day of birth and sex (six marks, 49 numbers)."""

    def __init__(self) -> None:
        self._first = day_number(_FIRST_BIRTH)
        self._used = np.zeros((day_number(_LAST_BIRTH) - self._first, 2), dtype=np.int64)

    def allocate(self, birth: Ints, female: Mask) -> pl.Series:
        """New codes for people born on these days (since 1970-01-01).

        Raises:
            ValueError: a day of birth has no code left.
        """
        days = birth - self._first
        slots = self._used[days, female.astype(np.int64)] + _rank_within(days * 2 + female)
        np.add.at(self._used, (days, female.astype(np.int64)), 1)
        mark_rank, number_rank = np.divmod(slots, _NUMBERS_A_MARK)
        if mark_rank.max(initial=0) > 5:
            raise ValueError("a day of birth has no identity code left: ask for fewer residents")
        # Scattered, so that neighbours in the file do not have neighbouring numbers.
        number = (
            900 + 2 * ((number_rank * 11 + days * 7) % _NUMBERS_A_MARK) + (~female).astype(np.int64)
        )
        return build_codes(birth, _marks(birth, mark_rank), number)


def _marks(birth: Ints, rank: Ints) -> pl.Series:
    of_2000s = birth >= day_number(_YEAR_2000)
    options = pl.Series(list(MARKS[19] + MARKS[20]))
    return options.gather(pl.Series(rank + 6 * of_2000s))


def _rank_within(keys: Ints) -> Ints:
    """Position of each element among those with the same key, from 0."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.r_[True, ordered[1:] != ordered[:-1]]
    positions = np.arange(len(keys))
    first = np.maximum.accumulate(np.where(starts, positions, 0))
    ranks = np.empty(len(keys), dtype=np.int64)
    ranks[order] = positions - first
    return ranks
