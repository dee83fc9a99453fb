"""Identity codes of nobody, for hand-made deliveries.

Here: well-formed codes with individual numbers 900-999. Not here: rows (`deliveries`).
"""

from __future__ import annotations

from datetime import date

from dagster_project.vault.identity_codes import check_character


def identity_code(born: date, number: int = 900, *, mark: str | None = None) -> str:
    """The code of someone born on a day; `mark` overrides the century mark of that day."""
    digits = f"{born:%d%m%y}{number:03d}"
    century = mark or ("A" if born.year >= 2000 else "-")
    return f"{digits[:6]}{century}{digits[6:]}{check_character(digits)}"


def code(number: int) -> str:
    """The code of person 0, 1, 2, …: born in 1950 or later, one after the other."""
    born = date(1950 + number // 336, 1 + number // 28 % 12, 1 + number % 28)
    return identity_code(born, 900 + number % 100)


def born(number: int) -> date:
    """The birth date in `code(number)`."""
    return date(1950 + number // 336, 1 + number // 28 % 12, 1 + number % 28)
