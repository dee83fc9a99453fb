"""Files of checks that say too little, too much or something else are refused by name.

Here: `sql/check` files. Not here: checks that fail (`tests/pipeline`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.errors import ContractError
from dagster_project.lake.check_model import stated_checks

GOOD = """
person.is_one:
  dimension: conformance
  severity: error
  description: one row per person
  violated: select 0
  checked: select count(*) from core.person
"""


def stated(folder: Path, text: str) -> Path:
    (folder / "core").mkdir()
    (folder / "core" / "person.yaml").write_text(text, encoding="utf-8")
    return folder


def test_a_check_is_of_the_table_its_file_is_named_after(tmp_path: Path) -> None:
    (check,) = stated_checks(stated(tmp_path, GOOD))
    assert (check.id, check.table) == ("person.is_one", "core.person")
    assert check.reads == {"core.person"}


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (GOOD.replace("severity: error", "severity: fatal"), "person.is_one.severity"),
        (GOOD.replace("  violated: select 0\n", ""), "person.is_one.violated"),
        (GOOD + "  treshold: 5\n", "person.is_one.treshold"),
        (GOOD.replace("is_one:", "is_one"), "person.yaml"),
        (GOOD + GOOD, "two entries for person.is_one below line 2"),
    ],
)
def test_a_file_that_is_not_sound_is_named_with_what_is_wrong(
    tmp_path: Path, spoilt: str, said: str
) -> None:
    with pytest.raises(ContractError, match=r"person\.yaml") as caught:
        stated_checks(stated(tmp_path, spoilt))
    assert said in str(caught.value)
