"""Payment rulebooks that are wrong: each fault is told by file, day and row, with what to do.

Here: drafts in a folder of their own, one fault each. Not here: what sound ones pay.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from dagster_project.errors import ContractError
from dagster_project.rulebook import ROOT, load_rulebooks
from dagster_project.rules.capitation_rulebook import Version, in_force, read_versions

NAMES = ("scheme", "amount", "regional_factor", "basket")
BESIDE = ("act_fee", "incentive", "breakpoint")
Edit = Callable[[str], str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (*NAMES, *BESIDE):
        shutil.copy(ROOT / f"capitation_{name}.yaml", tmp_path)
    return tmp_path


def read(folder: Path, area: tuple[str, ...] = ("106", "186")) -> tuple[Version, ...]:
    return read_versions(load_rulebooks(folder), area)


def swap(old: str, new: str) -> Edit:
    """Replace text that occurs in the rulebook, the first time it does."""

    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit


BAND = 'age_from: 7, age_to: 17, sex_code: any, amount_eur: "85.00"'
FAULTS: dict[str, tuple[str, Edit, str]] = {
    "a gap in the ages": (
        "amount",
        swap(BAND, BAND.replace("age_from: 7", "age_from: 8")),
        r"capitation_amount\.yaml, 2017-05-01, row 2 .*a gap in the ages.*begin this one at 7",
    ),
    "an overlap of ages": (
        "amount",
        swap(BAND, BAND.replace("age_from: 7", "age_from: 6")),
        r"capitation_amount\.yaml, 2017-05-01, row 2 .*an overlap in the ages",
    ),
    "a band that ends before it begins": (
        "amount",
        swap(BAND, BAND.replace("age_to: 17", "age_to: 3")),
        r"row 2 .*age_to is before age_from",
    ),
    "no oldest band": (
        "amount",
        swap("age_to: 200, sex_code: any", "age_to: 120, sex_code: any"),
        r"oldest band .* ends at 120.*end it at 200",
    ),
    "a youngest band above the youngest paid for": (
        "amount",
        swap("rulebook_id: dental, age_from: 18", "rulebook_id: dental, age_from: 20"),
        r"youngest band .* begins at 20, and the scheme pays from 18",
    ),
    "one sex alone": (
        "amount",
        lambda text: text.replace('sex_code: "2"', 'sex_code: "1"'),
        r"an overlap in the ages of sex 1",
    ),
    "a sex that is none": (
        "amount",
        swap("sex_code: any", "sex_code: both"),
        r"sex_code is 1, 2 or any|the youngest band",
    ),
    "a negative amount": (
        "amount",
        swap('"85.00"', '"-85.00"'),
        r"capitation_amount\.yaml, 2017-05-01, row 2 .*amount_eur is negative",
    ),
    "an amount that is no number": (
        "amount",
        swap('"85.00"', '"NaN"'),
        r"row 2 .*amount_eur is negative or no amount",
    ),
    "an amount that is text": ("amount", swap('"85.00"', '"85,00"'), r"'85,00' is not a number"),
    "an amount without quotes": ("amount", swap('"85.00"', "85.00"), r"write numbers in quotes"),
    "an age that is no whole number": (
        "amount",
        swap("age_from: 7", "age_from: 7.5"),
        r"age_from is a whole number",
    ),
    "a tariff without a source": (
        "amount",
        lambda text: re.sub(r"source: >-\n( {6}.*\n)+", "source: ''\n", text, count=1),
        r"capitation_amount\.yaml, 2017-05-01: every dated entry says its `source`",
    ),
    "a version without amounts": (
        "amount",
        swap("  2018-01-01:", "  2018-02-01:"),
        r"capitation_amount\.yaml: no entry of 2018-01-01 for .* leaves a gap",
    ),
    "amounts without a version": (
        "scheme",
        lambda text: text[: text.index("  2019-01-01:")],
        r"capitation_amount\.yaml: the entry of 2019-01-01 for .* overlaps a version",
    ),
    "two entries of one day": (
        "amount",
        swap("  2018-01-01:", "  2017-05-01:"),
        r"capitation_amount\.yaml: two entries for 2017-05-01",
    ),
    "two versions of one day": (
        "scheme",
        swap("rulebook_id: reception_need", "rulebook_id: reception"),
        r"capitation_scheme\.yaml, 2017-05-01, row 2 .*a second version|no entry of|overlaps",
    ),
    "a missing factor": (
        "regional_factor",
        lambda text: text.replace(
            '      - {rulebook_id: reception, municipality_code: "186", factor: "1.00"}\n', ""
        ),
        r"capitation_regional_factor\.yaml, 2017-05-01, .*no regional factor for municipality 186",
    ),
    "two factors of one place": (
        "regional_factor",
        swap('municipality_code: "186"', 'municipality_code: "106"'),
        r"row 2 .*a second factor for 106",
    ),
    "a factor of nought": (
        "regional_factor",
        swap('factor: "1.00"', 'factor: "0"'),
        r"row 1 .*a factor of nought",
    ),
    "no basket": (
        "basket",
        swap("rulebook_id: dental", "rulebook_id: reception"),
        r"capitation_basket\.yaml: no entry of 2017-05-01 for dental",
    ),
    "an unknown mode": (
        "scheme",
        swap("mode_code: trial", "mode_code: guess"),
        r"capitation_scheme\.yaml, 2017-05-01, row 1 .*mode_code 'guess' is unknown; it is trial",
    ),
    "an unknown base": (
        "scheme",
        swap("base_code: fixed", "base_code: auction"),
        r"base_code 'auction' is unknown; it is fixed or calibrated",
    ),
    "bounds without 1": (
        "scheme",
        swap('factor_lower: "0.7"', 'factor_lower: "1.1"'),
        r"bounds hold the factor 1",
    ),
    "no window": ("scheme", swap("window_months: 12", "window_months: 0"), r"window_months is a"),
    "a truth that is none": (
        "scheme",
        swap('is_budget_neutral: "false"', 'is_budget_neutral: "no"'),
        r"is_budget_neutral is true or false",
    ),
    "a version that begins in mid-month": (
        "scheme",
        lambda text: text.replace("  2018-01-01:", "  2018-01-15:"),
        r"2018-01-15.*first of a month|no entry of 2018-01-15",
    ),
    "a negative fee": (
        "act_fee",
        swap('"12.00"', '"-12.00"'),
        r"capitation_act_fee\.yaml, 2017-05-01, row 1 .*fee_eur is negative",
    ),
    "two fees of one act": (
        "act_fee",
        swap("procedure_code: SAA02", "procedure_code: SAA01"),
        r"row 2 .*a second row for procedure_code SAA01",
    ),
    "a version without the fees that the one before it had": (
        "act_fee",
        lambda text: text[: text.index("  2019-01-01:")],
        r"capitation_act_fee\.yaml: no entry of 2019-01-01 for dental.*rows of 0.00 where they end",
    ),
    "fees of a day on which no version begins": (
        "act_fee",
        swap("  2018-01-01:", "  2018-03-01:"),
        r"capitation_act_fee\.yaml, 2018-03-01, .*no version of 2018-03-01",
    ),
    "a negative share": (
        "incentive",
        swap('"0.05"', '"-0.5"'),
        r"capitation_incentive\.yaml, 2017-05-01, row 1 .*incentive_share is negative",
    ),
    "a share in percent": ("incentive", swap('"0.05"', '"5"'), r"row 1 .*not a percentage"),
    "a step that takes more than a person brings": (
        "breakpoint",
        swap(
            "rows: []",
            "rows: [{rulebook_id: reception, list_from_count: '0', amount_eur: '-90.00'}]",
        ),
        r"capitation_breakpoint\.yaml, 2017-05-01, row 1 .*takes 90.00 EUR a year",
    ),
    "no YAML": ("basket", lambda _: "a: [", r"capitation_basket\.yaml is no YAML"),
    "an empty file": ("basket", lambda _: "", r"capitation_basket\.yaml: holds no rulebook"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_by_file_day_and_row(folder: Path, fault: str) -> None:
    name, edit, said = FAULTS[fault]
    path = folder / f"capitation_{name}.yaml"
    path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(ContractError, match=said):
        read(folder)


def test_a_rulebook_that_is_missing_is_named(folder: Path) -> None:
    (folder / "capitation_basket.yaml").unlink()
    with pytest.raises(ContractError, match=r"rulebooks/capitation_basket\.yaml is missing"):
        read(folder)


def test_a_version_of_every_scheme_begins_on_the_first_of_a_month(folder: Path) -> None:
    for name in NAMES:
        path = folder / f"capitation_{name}.yaml"
        path.write_text(path.read_text("utf-8").replace("  2018-01-01:", "  2018-01-15:"), "utf-8")
    with pytest.raises(ContractError, match=r"2018-01-15, row \d+ .*first of a month"):
        read(folder)


def test_the_version_in_force_is_the_newest_on_the_first_of_the_month(folder: Path) -> None:
    versions = read(folder)
    assert in_force(versions, "reception", date(2017, 12, 1)).valid_from_date == date(2017, 5, 1)
    assert in_force(versions, "reception", date(2018, 1, 1)).valid_from_date == date(2018, 1, 1)
    assert in_force(versions, "reception", date(2030, 1, 1)).valid_from_date == date(2019, 1, 1)
    with pytest.raises(ContractError, match=r"no version of reception is in force on 2017-04-01"):
        in_force(versions, "reception", date(2017, 4, 1))
    with pytest.raises(ContractError, match=r"no payment scheme nobody"):
        in_force(versions, "nobody", date(2018, 1, 1))


def test_amounts_are_found_by_age_and_sex(folder: Path) -> None:
    dental = in_force(read(folder), "dental", date(2018, 1, 1))
    assert dental.amount(age=17, sex_code="1") == 0
    assert dental.amount(age=18, sex_code="1") == dental.amount(age=44, sex_code="2") == 88
    assert dental.amount(age=103, sex_code="2") == Decimal(118)
