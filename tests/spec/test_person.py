"""What a person is, by scenario: the register's newest word, and nothing it has taken back.

Here: `core.person` over snapshots of one person beside another who stays. Not here: where people
live (`test_scenarios`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.deliveries import RESIDENTS, reference_lists, resident, sent
from tests.support.homes import person
from tests.support.identity import born, code
from tests.support.lakes import bring, quick_lake

SCENARIOS = yaml.safe_load((Path(__file__).parent / "person.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario["name"])
def test_a_person_is_what_the_newest_snapshot_says(scenario: dict[str, Any]) -> None:
    other = resident(code(1), born(1))
    with quick_lake() as session:
        bring(session, *reference_lists())
        for sequence, said in scenario["snapshots"].items():
            rows = [other] if said is None else [other, resident(code(0), born(0)) | said]
            bring(session, sent(RESIDENTS, sequence, *rows))
        columns = ", ".join(scenario["expect"])
        (found,) = session.lake.rows(
            f"select {columns} from core.person where person_id = ?", [person(session, code(0))]
        )
    assert dict(zip(scenario["expect"], found, strict=True)) == scenario["expect"]
