"""What becomes of a result as sent, by scenario.

Here: `core.measurement` over one row each, by the rulebook of units as it is. Not here: which rows
are in force (`tests/pipeline`).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from dagster_project.pipeline import load_definition
from tests.support.models import Bench, bench

SCENARIOS = yaml.safe_load((Path(__file__).parent / "measurement.yaml").read_text("utf-8"))
MEASUREMENTS = (
    "measurement_id bigint, person_id bigint, encounter_id bigint, site_id varchar,"
    " measured_at timestamp, test_code varchar, value_text varchar, unit varchar,"
    " status_code varchar, delivery_sequence bigint, record_number bigint"
)
UNITS = (
    "valid_from_date date, test_code varchar, spelling varchar, unit varchar,"
    " factor decimal(18,8), shift decimal(18,8), lowest_value decimal(18,4),"
    " highest_value decimal(18,4)"
)


@pytest.fixture(scope="module")
def model() -> Bench:
    return bench(
        "core.measurement",
        {
            "current.measurements": MEASUREMENTS,
            "core.person_alias": "alias_person_id bigint, person_id bigint",
            "rulebook.measurement_unit": UNITS,
        },
    )


def units() -> list[tuple[Any, ...]]:
    (book,) = (b for b in load_definition().rulebooks if b.name == "measurement_unit")
    return [(starts, *row) for starts, row in book.rows]


def measured(model: Bench, sent: list[Any], at: datetime, known: list[Any]) -> dict[str, Any]:
    (row,) = model.run(
        {
            "current.measurements": [(1, 7, None, "S1", at, *sent, "final", 201705, 1)],
            "rulebook.measurement_unit": known,
        }
    )
    return row


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario["name"])
def test_a_result_is_harmonised_or_kept_and_marked(model: Bench, scenario: dict[str, Any]) -> None:
    row = measured(model, scenario["sent"], datetime(2017, 5, 2, 9), units())
    value, unit, state = scenario["kept"]
    assert (row["value"], row["unit"], row["value_state"]) == (
        None if value is None else Decimal(value),
        unit,
        state,
    )
    assert row["comparator"] == scenario.get("comparator")
    assert (row["value_text"], row["sent_unit"]) == tuple(scenario["sent"][1:])


def test_the_entry_in_force_on_the_day_of_the_measurement_counts(model: Bench) -> None:
    """Helsinki's day: at 22 o'clock UTC the next one has begun."""
    entry = ("4599", "mmol/l", "mmol/l", "1", "0", "0.1", "30")
    later = ("4599", "mmol/l", "mmol/l", "2", "0", "0.1", "30")
    known = [(date(2000, 1, 1), *entry), (date(2017, 6, 1), *later)]
    sent = ["4599", "2,5", "mmol/l"]
    before = measured(model, sent, datetime(2017, 5, 31, 20), known)
    after = measured(model, sent, datetime(2017, 5, 31, 22), known)
    assert (before["value"], after["value"]) == (Decimal("2.5"), Decimal(5))
