"""Rulebooks of the personal budget that cannot be meant: refused with file, day and what to do.

Here: each as the installation has it, but for one fault. Not here: what sound ones give.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from dagster_project.errors import ContractError
from dagster_project.pipeline import load_definition
from dagster_project.rulebook import Rulebook
from dagster_project.rules.personal_budget_rulebook import check_rulebooks

BOOKS = {book.name: book for book in load_definition().rulebooks}


def changed(name: str, old: tuple[str, ...], *new: tuple[str, ...]) -> list[Rulebook]:
    """All rulebooks, with a row of one replaced in every entry that has it."""
    book = BOOKS.get(f"personal_budget_{name}") or BOOKS[name]
    assert any(row == old for _, row in book.rows)
    rows = tuple(
        (starts, kept) for starts, row in book.rows for kept in (new if row == old else (row,))
    )
    return [*(b for b in BOOKS.values() if b is not book), replace(book, rows=rows)]


HOME_CARE_3 = ("home_care", "MAPLe", "3", "3", "2")
FIM_TOP = ("personal_assistance", "FIM", "115", "126", "0")
UNIT_3 = ("home_care", "3", "11")
PRICE = ("home_care", "38.50")
CHOICE = ("disabled", "18", "12", "0.1")
WEIGHT = ("disabled", "FIM", "-1")
TERMS = ("1", "0.25", "0.85", "1.15", "50.00", "1800.00", "12", "3")


@pytest.mark.parametrize(
    ("books", "message"),
    [
        (changed("class", HOME_CARE_3), "home_care by MAPLe: bands leave a gap"),
        (
            changed("class", HOME_CARE_3, ("home_care", "MAPLe", "3", "4", "2")),
            "bands leave a gap, overlap",
        ),
        (changed("class", HOME_CARE_3, (*HOME_CARE_3[:4], "5")), "more need gives a lower class"),
        (changed("class", HOME_CARE_3, (*HOME_CARE_3[:4], "6")), "classes go from 0 to 5"),
        (changed("class", FIM_TOP, (*FIM_TOP[:4], "2")), "more need gives a lower class"),
        (
            changed("class", FIM_TOP, FIM_TOP, ("meals", "BARTHEL", "0", "100", "1")),
            "no such scale",
        ),
        (changed("unit", UNIT_3), "units of classes 1 to 5 are due"),
        (changed("unit", UNIT_3, ("home_care", "3", "5")), "a higher class has fewer units"),
        (changed("price", PRICE, PRICE, PRICE), "home_care: two prices"),
        (changed("price", PRICE, ("home_care", "-38.50")), "a price is above nought"),
        (changed("price", PRICE), "price.yaml: nothing of home_care on 2017-01-01"),
        (changed("terms", TERMS), "no terms of group 1"),
        (changed("terms", TERMS, TERMS, TERMS), "two rows of terms"),
        (changed("terms", TERMS, (TERMS[0], "1.25", *TERMS[2:])), "moderation lies from 0 to 1"),
        (changed("terms", TERMS, (*TERMS[:4], "2000", *TERMS[5:])), "the least is above the most"),
        (changed("terms", TERMS, (*TERMS[:6], "0", "3")), "at least one"),
        (
            changed("budget_selection", CHOICE, (CHOICE[0], "0", *CHOICE[2:])),
            "places and months are at least one",
        ),
        (changed("budget_selection_need", WEIGHT), "no weights of that day"),
        (
            changed("budget_selection_need", WEIGHT, (*WEIGHT[:2], "1")),
            "more need by FIM gives no more points",
        ),
        (
            changed("budget_selection_need", WEIGHT, ("disabled", "BARTHEL", "1")),
            "no scale BARTHEL",
        ),
        (
            [b for b in BOOKS.values() if b.name != "personal_budget_unit"],
            "personal_budget_unit.yaml is missing",
        ),
    ],
)
def test_a_rulebook_that_cannot_be_meant_is_refused(books: list[Rulebook], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        check_rulebooks(books)


def test_the_rulebooks_of_the_installation_are_sound() -> None:
    check_rulebooks([*BOOKS.values()])
    assert min(starts for starts, _ in BOOKS["personal_budget_class"].rows) == date(2017, 1, 1)
