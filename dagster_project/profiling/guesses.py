"""What type the values of a column seem to have: a guess from some, to be tested on all.

Here: dates, numbers, truth, missing values as people write them. Not here: the test (`measures`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby

MISSING = (
    "NULL",
    "(NULL)",
    "<NULL>",
    "NONE",
    "NA",
    "N/A",
    "#N/A",
    "NAN",
    "PUUTTUU",
    "EI TIETOA",
    "-",
    ".",
    "?",
)
"""How a missing value may be written, in upper case."""
BOOLEANS = (
    ("1", "0"),
    ("K", "E"),
    ("k", "e"),
    ("Kyllä", "Ei"),
    ("kyllä", "ei"),
    ("KYLLÄ", "EI"),
    ("true", "false"),
    ("True", "False"),
    ("TRUE", "FALSE"),
    ("Y", "N"),
    ("J", "N"),
)
DATES = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y.%m.%d")
PACKED_DATE = "%Y%m%d"
MOMENTS = tuple(
    f"{day}{between}{clock}"
    for day in ("%Y-%m-%d", "%d.%m.%Y", "%Y/%m/%d", "%d/%m/%Y")
    for between in (" ", "T", " klo ")
    for clock in ("%H:%M:%S", "%H:%M", "%H:%M:%SZ", "%H.%M", "%H.%M.%S")
)
_BOOLEANS_ARE_SURE_FROM = 20
"""Values from which on 0 and 1 alone are truth, whatever the heading."""
LONGEST_NUMBER = 15
"""Digits that every spreadsheet and BI tool keeps; longer ones are identifiers, hence text."""
LARGEST_SCALE = 18
_SOME_MAY_DIFFER_FROM = 50
_MOST = 0.95
"""Of different values: the rest may be faults of the source, which the whole file will tell."""
LONGEST_FORM = 20
"""Characters of a text that may have a form."""
_FORM_IS_SURE_FROM = 20
"""Different values from which on a form is no accident."""


class Kind(StrEnum):
    """What the values of a column are."""

    EMPTY = "empty"
    BOOLEAN = "boolean"
    DATE = "date"
    MOMENT = "timestamp"
    NUMBER = "number"
    TEXT = "text"


@dataclass(frozen=True)
class Guess:
    """A kind, and the format or mark that goes with it."""

    kind: Kind
    form: str = ""
    """strptime format of dates and timestamps, decimal mark of numbers."""


def is_missing(value: str) -> bool:
    """Whether a value is one of the ways to write that there is none."""
    return value.strip().upper() in MISSING


def guess(values: Sequence[str], *, is_flag: bool, is_date: bool, is_count: bool) -> Guess:
    """The narrowest kind that all values have, those that say "missing" left out.

    Args:
        values: Some of the column's.
        is_flag: Whether the heading speaks of truth.
        is_date: Whether it speaks of days.
        is_count: Whether it speaks of a number or an amount.
    """
    told = [value for value in values if not is_missing(value)]
    if not told:
        return Guess(Kind.EMPTY)
    distinct = set(told)
    if _is_boolean(distinct, count=len(told), is_flag=is_flag, is_count=is_count):
        return Guess(Kind.BOOLEAN)
    forms = (*DATES, PACKED_DATE) if is_date else DATES
    if form := _form(distinct, forms):
        return Guess(Kind.DATE, form)
    if form := _form(distinct, MOMENTS):
        return Guess(Kind.MOMENT, form)
    return _number(distinct)


def _least(count: int) -> float:
    """How many of different values must have a form for it to be worth asking all records."""
    return count if count < _SOME_MAY_DIFFER_FROM else _MOST * count


def _is_boolean(distinct: Collection[str], *, count: int, is_flag: bool, is_count: bool) -> bool:
    pair = next((p for p in BOOLEANS if set(p).issuperset(distinct)), None)
    if pair is None:
        return False
    if len(distinct) == 1:
        return is_flag
    is_sure = pair != ("1", "0") or count >= _BOOLEANS_ARE_SURE_FROM
    return is_flag or (is_sure and not is_count)


def _form(values: Collection[str], forms: Sequence[str]) -> str:
    """The first format in which (nearly) all values are days or moments, each of due length."""
    least = _least(len(values))
    for form in forms:
        broken = 0
        for value in values:
            broken += not _is_moment(value, form)
            if len(values) - broken < least:
                break
        else:
            return form
    return ""


def _is_moment(value: str, form: str) -> bool:
    if not value or not value[0].isdigit() or not value.isascii():
        return False
    try:
        moment = datetime.strptime(value, form)
    except ValueError:
        return False
    starts_with_year = form.startswith("%Y")
    if not 1800 <= moment.year <= 9999:
        return False
    # The gate wants two digits of whatever follows the year.
    return not starts_with_year or len(value) == len(moment.strftime(form))


def _number(values: Collection[str]) -> Guess:
    whole = r"-?(?:0|[1-9][0-9]*)"
    found = (re.fullmatch(whole + r"(?:([.,])[0-9]{1,18})?", value) for value in values)
    marks = Counter(match[1] or "" for match in found if match)
    mark = "," if marks[","] >= marks["."] else "."
    if marks[""] + marks[mark] < _least(len(values)):
        return Guess(Kind.TEXT)
    return Guess(Kind.NUMBER, mark if marks[mark] else "")


def form_of(values: Sequence[str]) -> str:
    """Regular expression of the one form of values of one length: digits, capitals, small letters.

    Empty where there are too few values to tell, or they have no form in common.
    """
    if len(values) < _FORM_IS_SURE_FROM or len({len(value) for value in values}) != 1:
        return ""
    classes = [_class(set(place)) for place in zip(*values, strict=True)]
    if "" in classes or all(not c.endswith(("d", "]")) for c in classes):
        return ""
    runs = [(c, len(list(run))) for c, run in groupby(classes)]
    return "".join(f"{c}{{{n}}}" if n > 1 else c for c, n in runs)


def _class(characters: set[str]) -> str:
    if all(c in "0123456789" for c in characters):
        return r"\d"
    if all("A" <= c <= "Z" for c in characters):
        return "[A-Z]"
    if all("a" <= c <= "z" for c in characters):
        return "[a-z]"
    only = min(characters)
    if len(characters) > 1 or only not in "-_./: ":
        return ""
    return r"\." if only == "." else only
