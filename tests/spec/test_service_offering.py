"""When a service is offered, by whom and where: snapshots of the catalogue become spans.

Here: `core.service_offering` over rows of snapshots, worked by hand. Not here: the document
(`tests/bad_input/test_service_catalogue`).
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.support.models import Bench, Table, bench

SERVICES = (
    "service_id varchar, name_fi varchar, name_sv varchar, service_class_codes varchar,"
    " target_group_codes varchar, business_ids varchar, municipality_codes varchar,"
    " language_codes varchar, channel_type_codes varchar, channel_language_codes varchar,"
    " delivery_sequence bigint"
)
JANUARY, FEBRUARY, MARCH, MAY = (date(2017, m, 1) for m in (1, 2, 3, 5))
Span = tuple[str, str, str, str, date, date | None]


@pytest.fixture(scope="module")
def model() -> Bench:
    return bench("core.service_offering", {"effective.services": SERVICES})


def listed(sequence: int, service: str = "s", **others: Any) -> tuple[Any, ...]:
    row = {"organisations": "1", "municipalities": "106", "languages": "fi", "channels": None}
    row |= others
    return (
        *(service, "Kotihoito", None, "P5.1", "KR1", row["organisations"], row["municipalities"]),
        *(row["languages"], row["channels"], None, sequence),
    )


def spans(model: Bench, *rows: tuple[Any, ...]) -> set[Span]:
    given: Table = list(rows)
    names = (
        *("service_id", "business_id", "municipality_code", "language_codes"),
        *("valid_from_date", "valid_to_date"),
    )
    found = model.run({"effective.services": given})
    assert len(found) == len({tuple(r[n] for n in names) for r in found})
    return {(r[names[0]], r[names[1]], r[names[2]], r[names[3]], r[names[4]], r[names[5]])
            for r in found}  # fmt: skip


def test_a_service_counts_for_each_organisation_and_municipality(model: Bench) -> None:
    found = spans(model, listed(201701, organisations="1,2", municipalities="106,186"))
    assert found == {("s", o, m, "fi", JANUARY, None) for o in ("1", "2") for m in ("106", "186")}


def test_what_stands_twice_counts_once(model: Bench) -> None:
    found = spans(model, listed(201701, organisations="1,1", municipalities="106,106"))
    assert found == {("s", "1", "106", "fi", JANUARY, None)}


def test_an_unchanged_service_is_one_span_and_open(model: Bench) -> None:
    found = spans(model, *(listed(s) for s in (201701, 201702, 201703)))
    assert found == {("s", "1", "106", "fi", JANUARY, None)}


def test_a_service_that_is_gone_ends_with_the_snapshot_that_omits_it(model: Bench) -> None:
    found = spans(model, listed(201701), listed(201702), listed(201703, "other"))
    assert found == {
        ("s", "1", "106", "fi", JANUARY, MARCH),
        ("other", "1", "106", "fi", MARCH, None),
    }


def test_a_change_ends_a_span_and_begins_another(model: Bench) -> None:
    found = spans(model, listed(201701), listed(201702, languages="fi,sv"), listed(201703))
    assert found == {
        ("s", "1", "106", "fi", JANUARY, FEBRUARY),
        ("s", "1", "106", "fi,sv", FEBRUARY, MARCH),
        ("s", "1", "106", "fi", MARCH, None),
    }


def test_a_month_without_delivery_says_nothing(model: Bench) -> None:
    found = spans(model, listed(201701), listed(201705), listed(201705, "other"))
    assert found == {
        ("s", "1", "106", "fi", JANUARY, None),
        ("other", "1", "106", "fi", MAY, None),
    }


def test_a_year_turns(model: Bench) -> None:
    found = spans(model, listed(201712), listed(201801, "other"))
    assert ("s", "1", "106", "fi", date(2017, 12, 1), date(2018, 1, 1)) in found


def test_without_the_catalogue_there_is_nothing(model: Bench) -> None:
    assert spans(model) == set()
