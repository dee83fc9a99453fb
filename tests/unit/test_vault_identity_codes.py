"""The personal identity code: format, calendar, check character.

Codes are made when the test runs, so that none stands in a file; official ones for birth dates that
are still to come or long past, so that none is a living person's.
"""

from __future__ import annotations

from datetime import date

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.vault.identity_codes import (
    check_character,
    holds_code_sql,
    is_artificial,
    is_valid_code,
)

MARKS = {1800: "+", 1900: "-YXWVU", 2000: "ABCDEF"}


def code_of(born: date, number: int, mark: str) -> str:
    digits = f"{born:%d%m%y}{number:03d}"
    return f"{digits[:6]}{mark}{digits[6:]}{check_character(digits)}"


@st.composite
def codes(draw: st.DrawFn) -> str:
    born = draw(st.dates(date(1800, 1, 1), date(2099, 12, 31)))
    mark = draw(st.sampled_from(MARKS[born.year // 100 * 100]))
    return code_of(born, draw(st.integers(900, 999)), mark)


def test_the_check_character_is_that_of_the_published_example() -> None:
    # Digital and Population Data Services Agency, structure of the code: 131052 308 has T.
    assert check_character("131052308") == "T"


@given(code=codes())
def test_a_code_made_by_the_rules_is_valid_in_either_case(code: str) -> None:
    assert is_valid_code(code)
    assert is_valid_code(code.lower())


@given(code=codes(), data=st.data())
def test_one_wrong_digit_or_check_character_is_always_found(code: str, data: st.DataObject) -> None:
    # 31 is prime and divides no d × 10^k with |d| < 10, so arithmetic allows no exception.
    position = data.draw(st.sampled_from([0, 1, 2, 3, 4, 5, 7, 8, 9, 10]))
    characters = "0123456789" if position < 10 else "0123456789ABCDEFHJKLMNPRSTUVWXY"
    wrong = data.draw(st.sampled_from(characters.replace(code[position], "")))

    assert not is_valid_code(code[:position] + wrong + code[position + 1 :])


@pytest.mark.parametrize(
    ("year", "mark", "valid"),
    [(2000, "A", True), (1900, "-", False), (1996, "-", True), (1800, "+", False)],
)
def test_the_29th_of_february_depends_on_the_century(year: int, mark: str, valid: bool) -> None:
    leap_day = date(2000, 2, 29).replace(year=year) if valid else date(2000, 2, 29)

    assert is_valid_code(code_of(leap_day, 900, mark)) is valid


@pytest.mark.parametrize("day_and_month", ["0001", "3201", "0100", "0113", "3104", "3002"])
def test_a_day_that_is_in_no_calendar_is_not_valid(day_and_month: str) -> None:
    digits = f"{day_and_month}90900"

    assert not is_valid_code(f"{digits[:6]}-{digits[6:]}{check_character(digits)}")


@pytest.mark.parametrize(
    ("number", "valid"), [(0, False), (1, False), (2, True), (899, True), (900, True), (999, True)]
)
def test_individual_numbers_run_from_002(number: int, valid: bool) -> None:
    assert is_valid_code(code_of(date(2099, 1, 1), number, "A")) is valid


def test_individual_numbers_from_900_are_artificial() -> None:
    assert not is_artificial(code_of(date(2099, 1, 1), 899, "A"))
    assert is_artificial(code_of(date(2099, 1, 1), 900, "A"))


def test_what_is_not_of_the_shape_is_not_valid() -> None:
    code = code_of(date(1990, 1, 1), 900, "-")
    misshapen = [
        "",
        code[:-1],
        code + " ",
        " " + code,
        code + "\n",
        code.replace("-", ""),
        code.replace("-", "G"),
        code.replace("-", "–"),
        code.replace("0", "٠"),
        code[:-1] + "I",
        code[:-1] + "ſ",
    ]

    assert [text for text in misshapen if is_valid_code(text)] == []


@pytest.mark.parametrize("form", ["{}", "ks. {}", "({}),", "hetu:{}", "1.2.2017 {} soitti {}"])
@given(code=codes())
def test_a_code_is_found_wherever_it_stands_as_a_word(form: str, code: str) -> None:
    assert holds_code(form.format(code, code))
    assert holds_code(form.format(code.lower(), code))


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "170101-12",
        "lasku 12" + "0117-1234",
        "550e8400-e29b-41d4-a716-446655440000",
        "1.2.246.562.10.346830761110",
        "050-1234567",
    ],
)
def test_what_only_looks_like_a_code_is_none(text: str | None) -> None:
    assert not holds_code(text)


def holds_code(text: str | None) -> bool:
    found = duckdb.execute(f"select {holds_code_sql('t')} from (select ? as t)", [text]).fetchone()
    assert found is not None
    return bool(found[0])
