"""Identity codes of people who do not exist: well formed, in the range nobody has, each once."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.synthetic.codes import IdentityCodes, build_codes, with_wrong_check
from dagster_project.synthetic.months import day_number
from dagster_project.vault.identity_codes import is_valid_code

SLOTS = 294


def codes_of(day: date, *, female: bool, count: int) -> list[str]:
    births = np.full(count, day_number(day))
    return IdentityCodes().allocate(births, np.full(count, female)).to_list()


@given(st.dates(date(1900, 1, 1), date(2059, 12, 31)), st.booleans())
def test_codes_are_valid_and_from_the_range_that_no_resident_has(day: date, female: bool) -> None:
    for code in codes_of(day, female=female, count=3):
        assert is_valid_code(code)
        assert 900 <= int(code[7:10]) <= 997
        assert (int(code[7:10]) % 2 == 0) == female
        assert code[:6] == day.strftime("%d%m%y")


def test_a_full_day_uses_every_century_mark_and_no_code_twice() -> None:
    old = codes_of(date(1960, 2, 29), female=True, count=SLOTS)
    young = codes_of(date(2004, 2, 29), female=False, count=SLOTS)
    assert len({*old, *young}) == 2 * SLOTS
    assert {code[6] for code in old} == set("-YXWVU")
    assert {code[6] for code in young} == set("ABCDEF")


def test_a_day_without_codes_left_is_an_error() -> None:
    with pytest.raises(ValueError, match="no identity code left"):
        codes_of(date(1960, 1, 1), female=True, count=SLOTS + 1)


def test_codes_handed_out_in_several_calls_differ() -> None:
    codes = IdentityCodes()
    births = np.array([day_number(date(1980, 5, 5)), day_number(date(1980, 5, 6))] * 20)
    female = np.array([True, False] * 20)
    given_out = [c for _ in range(3) for c in codes.allocate(births, female).to_list()]
    assert len(set(given_out)) == 120


def test_a_known_code_is_built_with_its_check_character() -> None:
    born = np.array([day_number(date(1952, 10, 13))])
    # 131052900 = 31 x 4227512 + 28, and the 29th check character is W.
    assert build_codes(born, pl.Series(["-"]), np.array([900])).to_list() == ["131052-900W"]


def test_a_wrong_check_character_makes_a_code_invalid() -> None:
    code = codes_of(date(1980, 1, 1), female=True, count=1)[0]
    assert is_valid_code(code)
    assert not is_valid_code(with_wrong_check(code))
