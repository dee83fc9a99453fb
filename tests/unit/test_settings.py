"""What a process may use of the machine.

Here: limits of a cgroup. Not here: what is done with them (`lake.connection`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.settings import cgroup_processors


@pytest.mark.parametrize(
    ("limit", "processors"),
    [("200000 100000", 2), ("150000 100000", 1), ("50000 100000", 0), ("max 100000", None)],
)
def test_processors_are_whole_ones_of_the_cgroups_quota(
    tmp_path: Path, limit: str, processors: int | None
) -> None:
    (tmp_path / "cpu.max").write_text(f"{limit}\n")
    assert cgroup_processors(tmp_path / "cpu.max") == processors


def test_without_a_cgroup_there_is_no_limit(tmp_path: Path) -> None:
    assert cgroup_processors(tmp_path / "cpu.max") is None
