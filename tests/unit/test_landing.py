"""Landing is listed in a stated order, and whatever is no delivery is named safely.

Here: `survey` and `safe_name` over folders of empty files. Not here: taking files in
(`tests/bad_input/test_landing_folder.py`).
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.pipeline import load_definition
from dagster_project.sources.landing import Landing, safe_name, survey
from dagster_project.vault.identity_codes import CODE_PATTERN
from tests.support.identity import code


def land(root: Path, *places: str) -> Landing:
    """Empty files at these places, surveyed."""
    for place in places:
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return survey(root, load_definition().catalogue)


def labels(landing: Landing) -> list[str]:
    return [file.label for file in landing.files]


def strays(landing: Landing) -> list[tuple[str, str]]:
    return [(stray.label, stray.rule_id) for stray in landing.strays]


def test_an_empty_landing_holds_nothing(tmp_path: Path) -> None:
    assert land(tmp_path) == Landing((), 0, ())


def test_public_files_come_first_then_the_register_and_each_tables_by_sequence(
    tmp_path: Path,
) -> None:
    landing = land(
        tmp_path,
        "apotti/encounters/encounters_201702.csv",
        "apotti/encounters/encounters_201701.csv",
        "enrolment_portal/enrolments/enrolments_201701.ndjson",
        "population_register/residents/residents_201703.csv",
        "population_register/residents/residents_201612.csv",
        "reference/sites/sites_20170101.csv",
        "statfin/population/005_11re_2017.csv",
    )

    assert labels(landing) == [
        "reference/sites 20170101",
        "statfin/population 2017",
        "population_register/residents 201612",
        "population_register/residents 201703",
        "apotti/encounters 201701",
        "apotti/encounters 201702",
        "enrolment_portal/enrolments 201701",
    ]
    assert landing.strays == ()


def test_a_file_is_read_by_the_contract_in_force_at_its_sequence(tmp_path: Path) -> None:
    landing = land(
        tmp_path,
        "apotti/encounters/encounters_201703.csv",
        "apotti/encounters/encounters_201704.csv",
    )

    assert [file.contract.major for file in landing.files] == [1, 2]


def test_one_table_may_be_asked_for(tmp_path: Path) -> None:
    land(tmp_path, "reference/sites/sites_20170101.csv", "apotti/encounters/encounters_201701.csv")

    landing = survey(tmp_path, load_definition().catalogue, only="reference/sites")

    assert labels(landing) == ["reference/sites 20170101"]


def test_unfinished_files_are_counted_and_not_strays(tmp_path: Path) -> None:
    landing = land(
        tmp_path,
        "apotti/encounters/encounters_201701.csv.part",
        "apotti/encounters/encounters_201701.csv.tmp",
        "apotti/encounters/.encounters_201701.csv",
        "nobody/knows.filepart",
    )

    assert landing == Landing((), 4, ())


def test_what_no_contract_claims_is_astray_by_folder_or_by_name(tmp_path: Path) -> None:
    landing = land(
        tmp_path,
        "encounters_201701.csv",
        "apotti/encounters_201701.csv",
        "apotti/encounters/visits_201701.csv",
        "apotti/encounters/encounters_201713.csv",
        "apotti/encounters/old/encounters_201701.csv",
    )

    assert landing.files == ()
    assert sorted(strays(landing)) == [
        ("apotti/encounters/encounters_201713.csv", "file.name"),
        ("apotti/encounters/old", "file.name"),
        ("apotti/encounters/visits_201701.csv", "file.name"),
        ("apotti/encounters_201701.csv", "file.folder"),
        ("encounters_201701.csv", "file.folder"),
    ]
    assert all(f"[rule {s.rule_id}]" in s.message for s in landing.strays)


def test_links_are_astray_and_never_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "encounters_201702.csv").touch()
    root = tmp_path / "landing"
    folder = root / "apotti" / "encounters"
    folder.mkdir(parents=True)
    (folder / "encounters_201701.csv").symlink_to(outside / "encounters_201702.csv")
    (folder / "encounters_201702.csv").symlink_to(outside / "gone")
    (root / "hus").symlink_to(outside)

    landing = survey(root, load_definition().catalogue)

    assert landing.files == ()
    assert sorted(strays(landing)) == [
        ("apotti/encounters/encounters_201701.csv", "file.name"),
        ("apotti/encounters/encounters_201702.csv", "file.name"),
        ("hus", "file.folder"),
    ]


@given(st.binary(min_size=1, max_size=200).filter(lambda name: b"\0" not in name))
def test_a_name_in_a_message_is_short_printable_ascii(name: bytes) -> None:
    said = safe_name(os.fsdecode(name))

    assert said.isascii()
    assert said.isprintable()
    assert len(said) <= 120


@given(
    number=st.integers(0, 600),
    before=st.text(max_size=20),
    after=st.text(max_size=20),
    is_lower=st.booleans(),
)
def test_a_name_in_a_message_holds_no_identity_code(
    number: int, before: str, after: str, is_lower: bool
) -> None:
    person = code(number).lower() if is_lower else code(number)

    said = safe_name(before + person + after)

    assert re.search(CODE_PATTERN, said) is None
    assert person not in said


@pytest.mark.parametrize(
    "name",
    ["residents_201701.csv", "sites_20170101.csv", "a b-(1)_v2.1.csv", "thl_need_2023_a.csv"],
)
def test_a_plain_name_is_said_as_it_is(name: str) -> None:
    assert safe_name(name) == name
