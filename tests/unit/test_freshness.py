"""When a delivery is due, and when it is late."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from dagster_project.contracts.model import Contract
from dagster_project.lake.freshness import Freshness, due_date, freshness
from dagster_project.pipeline import load_definition
from tests.support.deliveries import SITES
from tests.support.homes import new_home, take_in
from tests.support.small_region import JUNE, MAY, residents

CATALOGUE = load_definition().catalogue


def promised(key: str, days: int) -> Contract:
    """A table's contract, with the next delivery promised some days after the time it covers."""
    return replace(CATALOGUE.latest(key), freshness_days=days)


@pytest.mark.parametrize(
    ("key", "days", "covers_to", "due"),
    [
        ("population_register/residents", 10, date(2017, 5, 31), date(2017, 7, 10)),
        ("population_register/residents", 10, date(2017, 12, 31), date(2018, 2, 10)),
        ("population_register/residents", 0, date(2020, 1, 31), date(2020, 2, 29)),
        ("statfin/population", 120, date(2017, 12, 31), date(2019, 4, 30)),
        (SITES, 30, date(2017, 1, 1), None),
    ],
)
def test_the_next_delivery_is_due_some_days_after_the_time_that_it_covers(
    key: str, days: int, covers_to: date, due: date | None
) -> None:
    assert due_date(promised(key, days), covers_to) == due


def test_lateness_is_counted_from_the_newest_delivery_and_the_day_one_asks(tmp_path: Path) -> None:
    contract = promised("population_register/residents", 10)
    with new_home(tmp_path) as session:
        before = freshness(session.lake, contract, date(2017, 7, 10))
        take_in(session, residents(JUNE, orders=[]), residents(MAY, orders=[]))
        on_time = freshness(session.lake, contract, date(2017, 8, 10))
        late = freshness(session.lake, contract, date(2017, 8, 13))

    assert before == Freshness(0, None, None, 0)
    assert on_time == Freshness(2, date(2017, 6, 30), date(2017, 8, 10), 0)
    assert late == replace(on_time, late_days=3)
