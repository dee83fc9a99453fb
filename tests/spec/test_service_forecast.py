"""The forecast of service need, worked out by hand, and held to the plain rule.

Here: windows, growth by the projection, scenarios, intervals, states and the backtest. Not here:
the projection as it is delivered (`tests/pipeline/test_every_source`), the page that shows it.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.pipeline import load_definition
from dagster_project.rules.service_forecast import Supposed, foreseen, growth, interval, nearness
from tests.support.model_chain import Chain, chain

TABLES = {
    "core.register_month": "exposure_month date",
    "core.population_projection": (
        "edition_date date, municipality_code varchar, projected_year integer, age_years integer,"
        " sex_code varchar, projected_count bigint"
    ),
    "core.resident_exposure": (
        "exposure_month date, municipality_code varchar, age_years integer, sex_code varchar,"
        " person_days bigint"
    ),
    "core.resident_cost": (
        "cost_month date, municipality_code varchar, age_years integer, sex_code varchar,"
        " package_class_code varchar, cost_eur decimal(18,2), event_count bigint"
    ),
    "core.cost": (
        "person_id bigint, cost_month date, package_class_code varchar, cost_eur decimal(18,2)"
    ),
    "core.person_month": "person_id bigint, exposure_month date, municipality_code varchar",
}
MODELS = (
    *("core.forecast_window", "core.forecast_growth", "core.forecast_use"),
    *("core.service_forecast", "mart.service_forecast", "mart.service_forecast_backtest"),
)
EDITION = date(2016, 10, 31)
YOUNG, OLD = 30, 85
Row = tuple[Any, ...]


@cache
def models() -> Chain:
    return chain(MODELS, TABLES)


def months(count: int, first: date = date(2017, 1, 1)) -> list[date]:
    serials = range(12 * first.year + first.month - 1, 12 * first.year + first.month - 1 + count)
    return [date(s // 12, s % 12 + 1, 1) for s in serials]


def projected(
    years: range, *, place: str = "106", young: int = 90, old: int = 10, older: int = 0
) -> list[Row]:
    """So many young and old, of whom so many more are old each year."""
    return [
        (EDITION, place, year, age, "2", count)
        for n, year in enumerate(years)
        for age, count in ((YOUNG, young), (OLD, old + n * older))
    ]


def used(
    months: list[date], *, place: str = "106", package: str = "P09", person: int = 1, eur: str
) -> dict[str, list[Row]]:
    """An old person who used so much each month, and lived there with a young one."""
    return {
        "core.resident_exposure": [
            (m, place, age, "2", 30) for m in months for age in (YOUNG, OLD)
        ],
        "core.resident_cost": [(m, place, OLD, "2", package, Decimal(eur), 2) for m in months],
        "core.cost": [(person, m, package, Decimal(eur)) for m in months],
        "core.person_month": [(person, m, place) for m in months],
    }


def run(count: int, *given: dict[str, list[Row]], projection: list[Row]) -> Chain:
    built = models()
    tables: dict[str, list[Row]] = {
        "core.register_month": [(m,) for m in months(count)],
        "core.population_projection": projection,
    }
    for part in given:
        for name, rows in part.items():
            tables[name] = [*tables.get(name, []), *rows]
    built.run({name: rows for name, rows in tables.items() if rows})
    return built


def test_a_year_rests_on_the_year_before_and_the_backtest_on_the_one_before_that() -> None:
    built = run(36, projection=projected(range(2016, 2035)))
    assert built.rows(
        "select window_code, horizon_months, base_from_month, base_months, target_from_month,"
        " target_months, base_middle - 24 * 2018, target_middle - 24 * 2018, forecast_state_code"
        " from core.forecast_window order by all"
    ) == [
        # The middle of 2018 is half way from the end of 2017 to that of 2018.
        ("backtest", 12, date(2018, 1, 1), 12, date(2019, 1, 1), 12, -12, 12, "forecast"),
        ("forecast", 12, date(2019, 1, 1), 12, date(2020, 1, 1), 12, 12, 36, "forecast"),
        ("forecast", 60, date(2019, 1, 1), 12, date(2024, 1, 1), 12, 12, 132, "forecast"),
        ("forecast", 120, date(2019, 1, 1), 12, date(2029, 1, 1), 12, 12, 252, "forecast"),
    ]


def test_of_less_than_two_years_half_is_held_out() -> None:
    built = run(7, projection=projected(range(2016, 2035)))
    ask = (
        "select window_code, base_from_month, base_months, target_from_month, target_months"
        " from core.forecast_window where horizon_months <= 12 order by all"
    )
    assert built.rows(ask) == [
        ("backtest", date(2017, 2, 1), 3, date(2017, 5, 1), 3),
        ("forecast", date(2017, 1, 1), 7, date(2017, 8, 1), 12),
    ]
    assert run(1, projection=[]).rows(ask) == [
        ("forecast", date(2017, 1, 1), 1, date(2017, 2, 1), 12)
    ]
    assert run(0, projection=[]).rows(ask) == []


def test_a_backtest_knows_no_edition_that_came_later() -> None:
    later = [(date(2017, 9, 30), *row[1:]) for row in projected(range(2017, 2030))]
    ask = (
        "select window_code, max(edition_date), max(forecast_state_code) from core.forecast_window"
    )
    built = run(12, projection=[*projected(range(2016, 2030)), *later])
    assert built.rows(f"{ask} group by window_code order by all") == [
        ("backtest", EDITION, "forecast"),
        ("forecast", date(2017, 9, 30), "forecast"),
    ]
    built = run(12, projection=later)
    assert built.rows(f"{ask} group by window_code order by all") == [
        ("backtest", None, "no_projection"),
        ("forecast", date(2017, 9, 30), "forecast"),
    ]


def test_need_grows_with_those_who_have_it() -> None:
    """Ten old at the end of 2016 and one more each year; the young, who use nothing, do not count.

    In the middle of 2017 there are 10.5, of 2018 11.5, of 2022 15.5, of 2027 20.5.
    """
    whole = months(12)
    built = run(12, used(whole, eur="100"), projection=projected(range(2016, 2029), older=1))
    rows = built.rows(
        "select horizon_years, municipality_code, base_cost_eur, forecast_cost_eur,"
        " forecast_event_count from mart.service_forecast"
        " where scenario_code = 'ageing_as_is' and package_class_code = 'P09' order by all"
    )
    assert [row for row in rows if row[1] == "106"] == [
        (1, "106", Decimal("1200.00"), Decimal("1314.29"), Decimal("26.29")),
        (5, "106", Decimal("1200.00"), Decimal("1771.43"), Decimal("35.43")),
        (10, "106", Decimal("1200.00"), Decimal("2342.86"), Decimal("46.86")),
    ]
    assert [row[2:] for row in rows if row[1] == "all"] == [
        row[2:] for row in rows if row[1] == "106"
    ]


def test_the_whole_is_the_sum_and_who_has_no_place_grows_as_the_area() -> None:
    whole = months(12)
    growing = [*projected(range(2016, 2029), older=1), *projected(range(2016, 2029), place="186")]
    parts = (
        used(whole, eur="100"),
        used(whole, place="186", person=2, eur="50"),
        used(whole, place="186", package="P01", person=2, eur="10"),
        used(whole, place="", person=3, eur="40"),
    )
    built = run(12, *parts, projection=growing)
    rows = dict(
        built.rows(
            "select municipality_code || ' ' || package_class_code, forecast_cost_eur"
            " from mart.service_forecast"
            " where horizon_years = 1 and scenario_code = 'ageing_as_is'"
        )
    )
    # Old in the area: 10.5 + 10 in the middle of 2017, 11.5 + 10 in that of 2018.
    assert rows["186 P09"] == Decimal("600.00")
    assert rows[" P09"] == Decimal("503.41")  # 480 x 21.5 / 20.5
    assert rows["all P09"] == rows["106 P09"] + rows["186 P09"] + rows[" P09"]
    assert rows["all all"] == rows["all P09"] + rows["all P01"]
    assert rows["186 all"] == rows["186 P09"] + rows["186 P01"]


def test_what_moves_comes_to_the_other_package_at_its_own_cost() -> None:
    """Two per cent a year from housing to services at home, for seven tenths of the euros."""
    built = run(12, used(months(12), eur="100"), projection=projected(range(2016, 2029)))
    rows = built.rows(
        "select horizon_years, scenario_code, package_class_code, forecast_cost_eur,"
        " forecast_event_count from mart.service_forecast"
        " where municipality_code = '106' and horizon_years <= 5 order by all"
    )
    assert [row[1:] for row in rows if row[0] == 1] == [
        ("ageing_as_is", "P09", Decimal("1200.00"), Decimal("24.00")),
        ("ageing_as_is", "all", Decimal("1200.00"), Decimal("24.00")),
        ("capacity_moves", "P08", Decimal("16.80"), Decimal("0.48")),
        ("capacity_moves", "P09", Decimal("1176.00"), Decimal("23.52")),
        ("capacity_moves", "all", Decimal("1192.80"), Decimal("24.00")),
        ("use_falls", "P09", Decimal("1188.00"), Decimal("23.76")),
        ("use_falls", "all", Decimal("1188.00"), Decimal("23.76")),
    ]
    five = {row[1:3]: row[3] for row in rows if row[0] == 5}
    assert five["capacity_moves", "P09"] == Decimal("1084.70")  # 1200 x 0.98^5
    assert five["use_falls", "P09"] == Decimal("1141.19")  # 1200 x 0.99^5


def test_an_interval_is_of_chance_the_projection_and_use() -> None:
    """Two alike: the root of the squares is 1 over the root of 2 of the sum, there twice."""
    parts = (used(months(12), eur="50"), used(months(12), person=2, eur="50"))
    built = run(12, *parts, projection=projected(range(2016, 2029)))
    ((low, high),) = built.rows(
        "select forecast_low_cost_eur, forecast_high_cost_eur from mart.service_forecast"
        " where municipality_code = '106' and package_class_code = 'P09' and horizon_years = 1"
        " and scenario_code = 'ageing_as_is'"
    )
    # sqrt(2 x 0.5 + 0.008^2 + 0.02^2) = 1.000232; exp(1.96 x that) = 7.10256
    assert (low, high) == (Decimal("168.95"), Decimal("8523.07"))


@pytest.mark.parametrize(
    ("projection", "state"),
    [
        ([], "no_projection"),
        (projected(range(2016, 2018)), "beyond_projection"),
    ],
)
def test_without_a_projection_there_is_no_number(projection: list[Row], state: str) -> None:
    built = run(12, used(months(12), eur="100"), projection=projection)
    assert built.rows(
        "select distinct forecast_cost_eur, forecast_low_cost_eur, forecast_event_count,"
        " forecast_state_code from mart.service_forecast"
    ) == [(None, None, None, state)]


def test_the_backtest_stands_beside_what_happened() -> None:
    """The dear months are held out; one package was used in them alone, one before them alone."""
    first, second = months(12)[:6], months(12)[6:]
    parts = (
        used(first, eur="100"),
        used(second, eur="125"),
        used(second, package="P01", eur="10"),
        used(first, package="P12", eur="10"),
    )
    built = run(12, *parts, projection=projected(range(2016, 2029)))
    assert built.rows(
        "select package_class_code, base_cost_eur, forecast_cost_eur, held_cost_eur,"
        " held_event_count, error_pct, unchanged_error_pct, is_within_interval,"
        " forecast_state_code from mart.service_forecast_backtest"
        " where municipality_code = '106' order by all"
    ) == [
        ("P01", 0, 0, Decimal("60.00"), 12, -100, -100, None, "none_observed"),
        ("P09", 600, 600, Decimal("750.00"), 12, -20, -20, True, "forecast"),
        ("P12", 60, 60, 0, 0, None, None, False, "forecast"),
        ("all", 660, 660, Decimal("810.00"), 24, *[Decimal("-18.52")] * 2, True, "forecast"),
    ]


PACKAGES = ("P01", "P08", "P09", "P12", "P14")
Cell = tuple[int, str]


@settings(max_examples=10)
@given(data=st.data())
def test_sql_says_what_the_rule_does(data: st.DataObject) -> None:
    cells: list[Cell] = [(age, sex) for age in (0, 4, 5, 62, 90, 100) for sex in ("1", "2")]
    counts = st.integers(0, 40)
    people = {
        (cell, year): data.draw(counts) for cell in cells for year in (2016, 2017, 2018, 2022, 2027)
    }
    euros = {
        (package, cell): data.draw(st.decimals(0, 9999, places=2))
        for package in data.draw(st.lists(st.sampled_from(PACKAGES), min_size=1, unique=True))
        for cell in data.draw(st.lists(st.sampled_from(cells), min_size=1, unique=True))
    }
    month = date(2017, 3, 1)
    built = run(
        12,
        {
            "core.resident_exposure": [(month, "106", *cell, 31) for cell in cells],
            "core.resident_cost": [
                (month, "106", *cell, package, eur, 1) for (package, cell), eur in euros.items()
            ],
            "core.cost": [
                (n, month, package, eur) for n, ((package, _), eur) in enumerate(euros.items())
            ],
            "core.person_month": [(n, month, "106") for n in range(len(euros))],
        },
        projection=[
            (EDITION, "106", year, *cell, people[cell, nearest(year)])
            for cell in cells
            for year in range(2016, 2029)
        ],
    )
    found = {
        (scenario, years, package): rest
        for scenario, years, package, *rest in built.rows(
            "select scenario_code, horizon_years, package_class_code, forecast_cost_eur,"
            " forecast_low_cost_eur, forecast_high_cost_eur from mart.service_forecast"
            " where municipality_code = '106' and package_class_code <> 'all'"
        )
    }
    for scenario in ("ageing_as_is", "use_falls", "capacity_moves"):
        for years in (1, 5, 10):
            due = by_rule(scenario, years, people=people, euros=euros, cells=cells)
            got = {p: row[0] for (s, y, p), row in found.items() if (s, y) == (scenario, years)}
            assert got == due


def nearest(year: int) -> int:
    return max(known for known in (2016, 2017, 2018, 2022, 2027) if known <= year)


def by_rule(
    scenario: str,
    years: int,
    *,
    people: dict[tuple[Cell, int], int],
    euros: dict[tuple[str, Cell], Decimal],
    cells: list[Cell],
) -> dict[str, Decimal]:
    """Bands of five years, the last from 90; per thousand days at eight decimals."""
    bands = {cell: (min(cell[0], 90) // 5 * 5, cell[1]) for cell in cells}
    days = {band: 31 * list(bands.values()).count(band) for band in bands.values()}
    packages = {package for package, _ in euros}
    base = {p: sum((e for (q, _), e in euros.items() if q == p), Decimal(0)) for p in packages}
    now, then = (in_bands(people, bands, middle) for middle in (24 * 2016 + 12, MIDDLES[years]))
    growths = {}
    for package in packages:
        spent: dict[Cell, Decimal] = {}
        for (other, cell), eur in euros.items():
            if other == package:
                spent[bands[cell]] = spent.get(bands[cell], Decimal(0)) + eur
        rates = {band: round(1000 * eur / days[band], 8) for band, eur in spent.items()}
        growths[package] = growth(rates, now, then) or Decimal(1)
    supposed = {p: terms(scenario, p) for p in packages}
    return foreseen(base, growths, supposed, years=Decimal(years), length=Decimal(1))


MIDDLES = {years: 24 * (2016 + years) + 12 for years in (1, 5, 10)}


def in_bands(
    people: dict[tuple[Cell, int], int], bands: dict[Cell, Cell], middle: int
) -> dict[Cell, int]:
    found: dict[Cell, int] = {}
    for cell, band in bands.items():
        parts = sum(
            people[cell, nearest(year)] * nearness(year, middle) for year in range(2016, 2029)
        )
        found[band] = found.get(band, 0) + parts
    return found


def terms(scenario: str, package: str) -> Supposed:
    book = next(b for b in load_definition().rulebooks if b.name == "forecast_scenario")
    rows = [dict(zip(book.columns, row, strict=True)) for _, row in book.rows]
    named = {row["package_class_code"]: row for row in rows if row["scenario_code"] == scenario}
    row = named.get(package, named["any"])
    moved_to = row["moved_to_class_code"]
    return Supposed(
        change=Decimal(row["yearly_change"]),
        moved_share=Decimal(row["yearly_moved_share"]),
        moved_to=None if moved_to == "any" else moved_to,
        moved_ratio=Decimal(row["moved_cost_ratio"]),
    )


def test_an_interval_by_the_rule() -> None:
    low, high = interval(
        Decimal(1200),
        chance=Decimal("0.70710678"),
        population_error=Decimal("0.008"),
        use_error=Decimal("0.02"),
    )
    assert (low, high) == (Decimal("168.95"), Decimal("8523.07"))
