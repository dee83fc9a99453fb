"""When consent to research is in force, by scenario.

Here: `core.research_consent` over the rows of one person beside those of another who stays. Not
here: which answers count as consented (`test_guidance`).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.models import Bench, bench

SCENARIOS = yaml.safe_load(
    (Path(__file__).parent / "research_consent.yaml").read_text(encoding="utf-8")
)
STEADY = (99, date(2017, 1, 1), None)


@pytest.fixture(scope="module")
def model() -> Bench:
    columns = "person_id bigint, consent_from_date date, consent_to_date date"
    return bench("core.research_consent", {"core.study_enrolment": columns})


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario["name"])
def test_consent_is_in_force(model: Bench, scenario: dict[str, Any]) -> None:
    rows = model.run({"core.study_enrolment": [STEADY, *((1, *row) for row in scenario["said"])]})
    found = sorted((r["valid_from_date"], r["valid_to_date"]) for r in rows if r["person_id"] == 1)
    assert [list(span) for span in found] == scenario["in_force"]
    assert [r["valid_from_date"] for r in rows if r["person_id"] == 99] == [STEADY[1]]
