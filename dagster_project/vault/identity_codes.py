"""What a Finnish personal identity code (henkilötunnus) looks like; pure.

Here: format, date, individual number, check character. Not here: persons (`identities`).

Sources: Population Information System Decree 128/2010 (structure and check character), and the
Digital and Population Data Services Agency, https://dvv.fi/hetu-uudistus (the century marks that
came in 2023, since when a code without its mark names no one).
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

CODE_PATTERN = "[0-9]{6}[-+A-Fa-fU-Yu-y][0-9]{3}[0-9A-Ya-y]"
"""Shape of a code in either case: what Python's `re` and DuckDB's RE2 both read alike."""
_CODE = re.compile(CODE_PATTERN)
_LENGTH = 11
_CENTURY = {"+": 1800} | dict.fromkeys("-YXWVU", 1900) | dict.fromkeys("ABCDEF", 2000)
_CHECK_CHARACTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_FIRST_INDIVIDUAL_NUMBER = "002"
_FIRST_ARTIFICIAL_NUMBER = "900"


def check_character(digits: str) -> str:
    """Check character of the nine digits ddmmyynnn: their remainder by 31."""
    return _CHECK_CHARACTERS[int(digits) % 31]


def is_valid_code(code: str) -> bool:
    """Whether a code, in either case, can be a person's, official or artificial.

    The day must be in the calendar of the century that the mark states; individual numbers run from
    002 to 899, and from 900 to 999 in artificial codes.
    """
    if not _CODE.fullmatch(code):
        return False
    code = code.upper()
    return (
        code[10] == check_character(code[:6] + code[7:10])
        and code[7:10] >= _FIRST_INDIVIDUAL_NUMBER
        and _is_birth_date(code[:7])
    )


def holds_code_sql(text: str) -> str:
    """DuckDB's SQL for whether a text holds a word whose check character makes it a code.

    Without the check character, numbers of invoices and days with a suffix would be taken for one.
    """
    codes = rf"regexp_extract_all(upper({text}), '\b{CODE_PATTERN}\b')"
    digits = "cast(code[1:6] || code[8:10] as integer)"
    checked = f"'{_CHECK_CHARACTERS}'[{digits} % 31 + 1] = code[11]"
    found = f"len(list_filter({codes}, lambda code: {checked})) > 0"
    return f"case when length({text}) >= {_LENGTH} then {found} else false end"


def is_artificial(code: str) -> bool:
    """Whether a valid code is a care provider's own: newborn, unidentified, foreign."""
    return code[7:10] >= _FIRST_ARTIFICIAL_NUMBER


@lru_cache(maxsize=100_000)
def _is_birth_date(day_and_mark: str) -> bool:
    """Whether ddmmyy and a century mark name a day; the 3 × 36 525 days of the register fit."""
    day, month, year = (int(day_and_mark[i : i + 2]) for i in (0, 2, 4))
    try:
        date(_CENTURY[day_and_mark[6]] + year, month, day)
    except ValueError:
        return False
    return True
