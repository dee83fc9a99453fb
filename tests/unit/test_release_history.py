"""Two releases compared: how many rows moved, and which of what they rest on is not the same.

Here: releases made by hand. Not here: those of a lake (`tests/pipeline/test_releases.py`).
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagster_project.errors import TietoallasError
from dagster_project.publish.history import Moved, diff, standing
from dagster_project.publish.manifest import Inputs, PublishedTable, Release, write_manifest

PATH = "internal/bi/list.parquet"
KEYS = {"list": ("provider_id",)}
RESTS_ON = ("mart.list", "enrolments", "capitation_amount")
INPUTS = Inputs(
    data={"enrolments": 4, "residents": 7},
    rulebooks={"capitation_amount": "a", "disclosure": "d"},
    code={"mart.list": "m", "mart.other": "o"},
)


def put(
    published: Path, release_id: str, counts: dict[str, int], inputs: Inputs, version: str = "1"
) -> None:
    folder = published / "releases" / release_id
    (folder / PATH).parent.mkdir(parents=True)
    rows = {"provider_id": list(counts), "person_count": list(counts.values())}
    pq.write_table(pa.table(rows), folder / PATH)
    digest = hashlib.sha256((folder / PATH).read_bytes()).hexdigest()
    table = PublishedTable(PATH, len(counts), 1, digest, rests_on=RESTS_ON)
    release = Release(release_id, 1, "run", 1, 0, (table,), code_version=version, inputs=inputs)
    write_manifest(folder, release)
    (published / "current").unlink(missing_ok=True)
    (published / "current").symlink_to(Path("releases") / release_id)


@pytest.mark.parametrize(
    ("inputs", "version", "reasons"),
    [
        (replace(INPUTS, data={"enrolments": 5, "residents": 8}), "1", ("data: enrolments",)),
        (
            replace(INPUTS, rulebooks={"capitation_amount": "b", "disclosure": "e"}),
            "1",
            ("rulebook: capitation_amount",),
        ),
        (replace(INPUTS, code={"mart.list": "n", "mart.other": "p"}), "2", ("code: mart.list",)),
        (INPUTS, "2", ("code: 1 to 2",)),
    ],
)
def test_a_difference_says_what_moved_and_why(
    tmp_path: Path, inputs: Inputs, version: str, reasons: tuple[str, ...]
) -> None:
    put(tmp_path, "000001", {"P1": 10, "P2": 20, "P3": 30}, INPUTS)
    put(tmp_path, "000002", {"P1": 10, "P2": 25, "P4": 5}, inputs, version)
    moved = diff(tmp_path, "000001", "000002", keys=KEYS)
    assert moved == [Moved(PATH, 1, 1, 1, reasons)]


def test_tables_that_are_the_same_have_not_moved(tmp_path: Path) -> None:
    put(tmp_path, "000001", {"P1": 10}, INPUTS)
    put(tmp_path, "000002", {"P1": 10}, replace(INPUTS, data={"enrolments": 9}))
    assert diff(tmp_path, "000001", "000002", keys=KEYS) == []
    assert [one.is_current for one in standing(tmp_path)] == [False, True]


def test_a_release_that_does_not_stand_is_named_with_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(TietoallasError, match="there is no release yet; standing are: none"):
        diff(tmp_path, "", "", keys={})
    put(tmp_path, "000001", {"P1": 10}, INPUTS)
    with pytest.raises(TietoallasError, match="there is no release 000009; standing are: 000001"):
        diff(tmp_path, "000009", "000001", keys={})
