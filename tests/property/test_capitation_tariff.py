"""The tariff: the SQL model against the rule in plain Python, and what holds of the rule itself.

Here: random amounts, costs and residents. Not here: whose cost counts (`tests/spec`).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import duckdb
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dagster_project.lake import checks
from dagster_project.pipeline import load_definition
from dagster_project.rules.capitation_tariff import (
    UNITS_A_YEAR,
    Experience,
    Rate,
    calibrated,
    person_units,
)
from tests.support.capitation import AMOUNT, BASKET, SCHEME, scheme
from tests.support.models import Bench, bench

VERSION = date(2017, 5, 1)
BANDS = ((0, 17), (18, 64), (65, 200))
Cell = tuple[int, str]


@pytest.fixture(scope="module")
def tariff() -> Bench:
    return bench(
        "mart.capitation_tariff",
        {
            "rulebook.capitation_scheme": SCHEME,
            "rulebook.capitation_amount": AMOUNT,
            "rulebook.capitation_basket": BASKET,
            "core.resident_exposure": "exposure_month date, municipality_code varchar,"
            " age_years bigint, sex_code varchar, person_days bigint",
            "core.resident_cost": "cost_month date, municipality_code varchar, age_years bigint,"
            " sex_code varchar, package_class_code varchar, cost_eur decimal(18,2)",
        },
    )


CENTS = st.integers(0, 10**9).map(lambda cents: Decimal(cents) / 100)
LIVED = st.lists(
    st.tuples(st.sampled_from([date(2016, 4, 1), date(2016, 5, 1), date(2017, 4, 1)]),
              st.integers(0, 10**6)),
    max_size=3,
)  # fmt: skip
CELLS = st.fixed_dictionaries(
    {(start, sex): st.tuples(CENTS, LIVED, CENTS) for start, _ in BANDS for sex in ("1", "2")}
)
Drawn = dict[Cell, tuple[Decimal, list[tuple[date, int]], Decimal]]


def by_sql(on: Bench, drawn: Drawn, credibility: Decimal) -> dict[Cell, Rate]:
    ends = dict(BANDS)
    rows = on.run(
        {
            "rulebook.capitation_scheme": [
                scheme(VERSION, base_code="calibrated", credibility_eur=credibility)
            ],
            "rulebook.capitation_amount": [
                (VERSION, "R", start, ends[start], sex, amount)
                for (start, sex), (amount, _, _) in drawn.items()
            ],
            "rulebook.capitation_basket": [(VERSION, "R", "P01")],
            "core.resident_exposure": [
                (month, "106", start + (i % 3), sex, days)
                for (start, sex), (_, lived, _) in drawn.items()
                for i, (month, days) in enumerate(lived)
            ],
            "core.resident_cost": [
                row
                for (start, sex), (_, _, cost) in drawn.items()
                for row in (
                    (date(2016, 5, 1), "106", start, sex, "P01", cost),
                    (date(2016, 5, 1), "106", start, sex, "P12", 777),
                    (date(2017, 5, 1), "106", start, sex, "P01", 888),
                )
            ],
        }
    )
    return {
        (r["age_from"], r["sex_code"]): Rate(r["base_eur"], r["credibility_weight"]) for r in rows
    }


def experience(drawn: Drawn) -> dict[Cell, Experience]:
    """What counts: of the twelve months before the version, and of cells that anyone lived in."""
    counted = {
        cell: (amount, person_units((m, d) for m, d in lived if m >= date(2016, 5, 1)), cost)
        for cell, (amount, lived, cost) in drawn.items()
    }
    return {c: Experience(a, units, cost if units else Decimal(0))
            for c, (a, units, cost) in counted.items()}  # fmt: skip


@given(drawn=CELLS, credibility=st.integers(0, 10**6).map(Decimal))
def test_sql_reckons_as_the_rule_does(tariff: Bench, drawn: Drawn, credibility: Decimal) -> None:
    due = calibrated(experience(drawn), credibility_eur=credibility)
    # A hundred thousand million euros a head: DECIMAL(18, 6) ends there, and the model fails.
    assume(all(rate.base_eur < 10**11 for rate in due.values()))
    assert by_sql(tariff, drawn, credibility) == due


@given(drawn=CELLS, credibility=st.integers(1, 10**6).map(Decimal))
def test_a_calibrated_tariff_gives_back_the_cost(drawn: Drawn, credibility: Decimal) -> None:
    cells = experience(drawn)
    rates = calibrated(cells, credibility_eur=credibility)
    cost = sum(c.cost_eur for c in cells.values())
    expected = sum(c.amount_eur * c.person_units for c in cells.values())
    paid = sum(rates[n].base_eur * c.person_units for n, c in cells.items()) / UNITS_A_YEAR
    years = sum(Decimal(c.person_units) / UNITS_A_YEAR for c in cells.values())
    if cost and expected:
        # Half a millionth a person-year, but for bases so small that rounding is all of them.
        assert abs(Decimal(paid) - cost) <= years * Decimal("0.000001") + cost / 1000


def test_by_hand() -> None:
    """Two cells of 100 person-years: expected alike, one cost 30 000 EUR, the other 10 000.

    The level is 200 EUR, E = 20 000 each, K = 20 000: own experience counts half. 300 and 100
    become 250 and 150, which give back 40 000 as they are.
    """
    units = 100 * UNITS_A_YEAR
    cells = {
        "dear": Experience(Decimal("50.00"), units, Decimal(30_000)),
        "cheap": Experience(Decimal("50.00"), units, Decimal(10_000)),
        "nobody": Experience(Decimal("75.00"), 0, Decimal(0)),
    }
    rates = calibrated(cells, credibility_eur=Decimal(20_000))
    assert {n: (r.base_eur, r.credibility_weight) for n, r in rates.items()} == {
        "dear": (Decimal(250), Decimal("0.5")),
        "cheap": (Decimal(150), Decimal("0.5")),
        "nobody": (Decimal(300), Decimal(0)),
    }


def test_fixed_amounts_stay_and_bands_are_compared_by_age(tariff: Bench) -> None:
    """0-9 at 100 and 10-200 at 200 became 0-19 at 180: ten ages of each, 150 before."""
    later = date(2018, 1, 1)
    rows = tariff.run(
        {
            "rulebook.capitation_scheme": [scheme(VERSION), scheme(later)],
            "rulebook.capitation_amount": [
                (VERSION, "R", 0, 9, "any", 100),
                (VERSION, "R", 10, 200, "any", 200),
                (later, "R", 0, 19, "any", 180),
                (later, "R", 20, 200, "any", 210),
            ],
        }
    )
    found = {
        (r["version_date"], r["age_from"]): (r["base_eur"], r["previous_base_eur"]) for r in rows
    }
    assert len(rows) == 8
    assert found == {
        (VERSION, 0): (100, None),
        (VERSION, 10): (200, None),
        (later, 0): (180, 150),
        (later, 20): (210, 200),
    }


@pytest.mark.parametrize("years", [10, 5_600_000], ids=["few", "the country"])
def test_what_changed_is_told_in_steps_that_add_up(years: int) -> None:
    """As many person-years each at 100 and 200 before, 130 and 200 now: the level rose by a tenth.

    The first rose 10 with the level and 20 by itself; the second fell 20 against the level.
    """
    change = bench(
        "mart.capitation_tariff_change",
        {
            "mart.capitation_tariff": "rulebook_id varchar, version_date date, age_from integer,"
            " age_to integer, sex_code varchar, base_eur decimal(18,6),"
            " person_years decimal(18,6), previous_base_eur decimal(18,6)"
        },
    )
    later = date(2018, 1, 1)
    rows = change.run(
        {
            "mart.capitation_tariff": [
                ("R", VERSION, 0, 200, "1", 100, years, None),
                ("R", later, 0, 17, "1", 130, years, 100),
                ("R", later, 18, 200, "1", 200, years, 200),
            ]
        }
    )
    steps = ("change_rank", "level_change_eur", "own_change_eur", "change_eur", "change_pct")
    assert {r["age_from"]: tuple(r[name] for name in steps) for r in rows} == {
        0: (1, 10, 20, 30, 30),
        18: (2, 20, -20, 0, 0),
    }


@pytest.mark.parametrize("off", [0, 1], ids=["the cost", "one euro a year too much"])
def test_a_base_that_is_not_what_the_basket_cost_blocks_the_build(off: int) -> None:
    """Over a country's person-years, whose product with the base has more than 18 digits."""
    check = next(
        c
        for c in checks.all_checks(load_definition().catalogue)
        if c.id == "capitation_tariff.calibrated_gives_back_the_cost"
    )
    with duckdb.connect() as connection:
        connection.execute("create schema mart; create schema rulebook")
        connection.execute(
            "create table mart.capitation_tariff as select 'R' as rulebook_id,"
            " date '2017-05-01' as version_date, cast(? as decimal(18, 6)) as base_eur,"
            " cast(5600000 as decimal(18, 6)) as person_years,"
            " cast(2240000000 as decimal(18, 2)) as observed_eur",
            [400 + off],
        )
        connection.execute(
            "create table rulebook.capitation_scheme as select 'R' as rulebook_id,"
            " date '2017-05-01' as valid_from_date, 'calibrated' as base_code"
        )
        assert connection.execute(check.violated_sql).fetchone() == (off,)
