"""The national need model: THL's published year, two years' mean, and the euros that follow it.

Here: the SQL models over THL's own table and over a year like it. Not here: the gate that takes the
files in (`tests/pipeline/test_published_files.py`).
"""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.pipeline import load_definition
from dagster_project.rules.allocation import allocate
from tests.support.model_chain import fill
from tests.support.models import Bench, bench

COUNTRY = "Koko maa"
WEIGHTS = {"health": Decimal("0.5886"), "social": Decimal("0.2139"), "elderly": Decimal("0.1975")}
Row = dict[str, Any]
AREA_MEANS = [
    c.name
    for c in load_definition().catalogue.latest("thl/need_model").columns
    if c.name.startswith("mean_")
]


@pytest.fixture(scope="module")
def published(shared_data: Path) -> tuple[list[Row], list[Row]]:
    """Variables with betas and means by area, and areas with their published results, of 2023."""
    folder = shared_data / "need_model"
    found = []
    for name in ("inputs", "areas"):
        with (folder / f"thl_need_2023_{name}.csv").open(encoding="utf-8", newline="") as file:
            found.append(list(csv.DictReader(file)))
    return found[0], found[1]


def lake(inputs: list[Row], areas: list[Row], *, sicker: str) -> duckdb.DuckDBPyConnection:
    """THL's 2023, and a 2022 like it but for one county, where every variable was a tenth up."""
    connection = duckdb.connect(config={"threads": 1})
    for schema in ("core", "mart", "effective", "rulebook"):
        connection.execute(f"create schema {schema}")
    for book in load_definition().rulebooks:
        connection.execute(f"create view rulebook.{book.name} as {book.sql}")
    connection.execute(
        "create table core.need_variable_mean (model_year integer, model_release integer,"
        " area_name varchar, variable_number integer, beta_health double, beta_social double,"
        " beta_elderly double, variable_mean double)"
    )
    connection.execute(
        "create table effective.need_areas (delivery_sequence bigint, area_name varchar,"
        " population_count bigint, share_65plus double, published_coefficient_health double,"
        " published_coefficient_social double, published_coefficient_elderly double,"
        " published_coefficient_total double)"
    )
    names = [area["area"] for area in areas]
    for year in (2022, 2023):
        rows = [
            (year, 1, name, int(row["row"]), *(_number(row[f"beta_{s}"]) for s in WEIGHTS),
             float(row[name]) * (1.1 if (year, name) == (2022, sicker) else 1))
            for row in inputs for name in names
        ]  # fmt: skip
        fill(connection, "core.need_variable_mean", rows)
        fill(
            connection,
            "effective.need_areas",
            [(year * 100 + 1, a["area"], int(a["population"]), float(a["share_65plus"]),
              *(float(a[f"coef_{s}"]) for s in (*WEIGHTS, "total"))) for a in areas],
        )  # fmt: skip
    for name in ("need_by_county", "need_funding"):
        sql = load_definition().graph.model(f"mart.{name}").sql
        connection.execute(f"create table mart.{name} as {sql}")
    return connection


def _number(text: str) -> float | None:
    return float(text) if text else None


@pytest.fixture(scope="module")
def thl(published: tuple[list[Row], list[Row]]) -> duckdb.DuckDBPyConnection:
    return lake(*published, sicker="Kainuun hyvinvointialue")


def test_every_county_of_2023_is_reproduced_to_1e_12(thl: duckdb.DuckDBPyConnection) -> None:
    rows = thl.execute(
        "select area_name, greatest(abs(coefficient_health - published_coefficient_health),"
        " abs(coefficient_social - published_coefficient_social),"
        " abs(coefficient_elderly - published_coefficient_elderly)),"
        " abs(coefficient_total - published_coefficient_total)"
        " from mart.need_by_county where model_year = 2023"
    ).fetchall()
    assert len(rows) == 23
    assert {name for name, *off in rows if max(off) > 1e-12} == set()


def test_two_years_make_a_mean_and_one_year_is_itself(thl: duckdb.DuckDBPyConnection) -> None:
    rows = thl.execute(
        "select model_year, mean_year_count, coefficient_health, two_year_coefficient_health"
        " from mart.need_by_county where area_name = 'Kainuun hyvinvointialue' order by all"
    ).fetchall()
    (first, one, earlier, alone), (second, two, later, both) = rows
    assert (first, one, second, two) == (2022, 1, 2023, 2)
    assert alone == pytest.approx(earlier, abs=1e-12)
    assert earlier == pytest.approx(later * 1.1, abs=1e-12)
    assert both == pytest.approx((earlier + later) / 2, abs=1e-12)


def test_of_a_year_published_anew_the_newest_release_counts_of_which_all_is_here() -> None:
    countries = [c for c in AREA_MEANS if c != "mean_whole_country"]
    model = bench(
        "core.need_variable_mean",
        {
            "effective.need_model": "delivery_sequence bigint, variable_number integer,"
            " variable_name varchar, beta_health double, beta_social double, beta_elderly double,"
            f" mean_whole_country double, {', '.join(f'{c} double' for c in countries)}",
            "effective.need_areas": "delivery_sequence bigint, area_name varchar",
        },
    )
    releases = {202201: 1.0, 202301: 2.0, 202302: 3.0, 202303: 4.0}
    rows = model.run(
        {
            "effective.need_model": [
                (sequence, 1, "Vakiotermi", beta, None, None, 1.0) + (0.0,) * len(countries)
                for sequence, beta in releases.items()
            ],
            "effective.need_areas": [
                (sequence, COUNTRY) for sequence in releases if sequence != 202303
            ],
        }
    )
    assert {(r["model_year"], r["model_release"], r["beta_health"]) for r in rows} == {
        (2022, 1, 1.0),
        (2023, 2, 3.0),
    }


@pytest.mark.parametrize("sector", WEIGHTS)
def test_coefficients_for_funding_have_the_mean_1_over_residents(
    thl: duckdb.DuckDBPyConnection, sector: str
) -> None:
    (mean,) = thl.execute(
        f"select sum(population_count * funding_coefficient_{sector}) / sum(population_count)"
        f" from mart.need_by_county where model_year = 2023 and area_name <> '{COUNTRY}'"
    ).fetchall()[0]
    assert mean == pytest.approx(1, abs=1e-11)


def test_the_funding_of_2026_gives_the_counties_what_goes_in_to_the_euro(
    thl: duckdb.DuckDBPyConnection,
) -> None:
    """26 900 million: 78.995 % by need, 12.790 % by residents; no euro lost, none found."""
    by_ground = dict(
        thl.execute(
            "select ground_code, sum(amount_eur) from mart.need_funding"
            " where funding_year = 2026 group by all"
        ).fetchall()
    )
    need = Decimal(26_900_000_000) * Decimal("0.78995")
    assert sum(v for k, v in by_ground.items() if k != "residents") == need
    assert by_ground["residents"] == Decimal(26_900_000_000) * Decimal("0.12790")
    for sector, weight in WEIGHTS.items():
        assert abs(by_ground[f"need_{sector}"] - need * weight) < 1
    whole = thl.execute(
        "select count(*), count(*) filter (where amount_eur <> round(amount_eur, 0))"
        " from mart.need_funding"
    ).fetchall()
    assert whole == [(22 * 4, 0)]


def test_euros_are_those_of_the_largest_remainder(thl: duckdb.DuckDBPyConnection) -> None:
    rows = thl.execute(
        "select area_name, population_count, mean_coefficient, national_eur, amount_eur"
        " from mart.need_funding where ground_code = 'need_health'"
    ).fetchall()
    weights = {
        name: Decimal(people * round(coefficient * 1_000_000))
        for name, people, coefficient, _, _ in rows
    }
    # The rule works in cents; here a cent stands for a euro.
    due = allocate(rows[0][3] / 100, weights)
    assert {name: amount for name, *_, amount in rows} == {n: e * 100 for n, e in due.items()}


def test_the_county_that_was_sicker_gets_more_and_the_others_less(
    published: tuple[list[Row], list[Row]], thl: duckdb.DuckDBPyConnection
) -> None:
    even = lake(*published, sicker="")
    told = "select area_name, sum(amount_eur) from mart.need_funding group by all"
    before, after = dict(even.execute(told).fetchall()), dict(thl.execute(told).fetchall())
    moved = {name: after[name] - before[name] for name in before}
    assert moved.pop("Kainuun hyvinvointialue") > 0
    assert max(moved.values()) < 0
    assert sum(after.values()) == sum(before.values())


def test_weights_of_funding_are_those_of_the_rulebook() -> None:
    (book,) = (b for b in load_definition().rulebooks if b.name == "need_funding_weight")
    assert {row[0]: Decimal(row[1]) for starts, row in book.rows if starts == date(2026, 1, 1)} == (
        WEIGHTS
    )


@pytest.fixture(scope="module")
def expenditure() -> Bench:
    return bench(
        "mart.need_standardised_expenditure",
        {
            "core.municipality": "municipality_code varchar, county_name varchar,"
            " is_trial_area boolean",
            "core.resident_exposure": "exposure_month date, municipality_code varchar,"
            " person_days bigint",
            "core.resident_cost": "cost_month date, municipality_code varchar,"
            " package_class_code varchar, cost_eur decimal(18,2)",
            "core.ledger_allocation": "ledger_month date, classification_code varchar,"
            " service_class_code varchar, amount_eur decimal(18,2)",
            "mart.need_by_county": "model_year integer, area_name varchar,"
            " coefficient_health double, coefficient_social double, coefficient_elderly double",
            "rulebook.sector_class": "valid_from_date date, package_class_code varchar,"
            " sector varchar",
            "rulebook.national_expenditure": "valid_from_date date, sector varchar,"
            " eur_per_resident decimal(18,2)",
        },
    )


MAY_2017, MAY_2018 = date(2017, 5, 1), date(2018, 5, 1)
YEARS: dict[str, list[tuple[Any, ...]]] = {
    "core.municipality": [("106", "K", True), ("611", "K", True), ("091", "H", False)],
    "core.resident_exposure": [
        (MAY_2017, "106", 365 * 60),
        (date(2017, 6, 1), "611", 365 * 40),
        (MAY_2017, "091", 365),
        (MAY_2017, "", 365),
        (MAY_2018, "106", 365 * 100),
    ],
    "core.resident_cost": [
        (MAY_2017, "106", "P01", 150_000),
        (MAY_2017, "611", "P12", 50_000),
        (MAY_2017, "106", "P09", 7_000),
        (MAY_2017, "091", "P01", 1),
        (MAY_2018, "106", "P01", 100_000),
    ],
    "mart.need_by_county": [
        (2023, "K", 0.8, 0.7, 0.5),
        (2024, "K", 0.9, 0.7, 0.5),
        (2023, "Koko maa", 1, 1, 1),
    ],
    "rulebook.sector_class": [
        (date(2000, 1, 1), code, sector)
        for code, sector in (("P01", "health"), ("P12", "health"), ("P09", "elderly"))
    ],
    "rulebook.national_expenditure": [
        (date(2017, 1, 1), "health", 2000),
        (date(2017, 1, 1), "elderly", 140),
        (date(2019, 1, 1), "health", 9999),
    ],
}


def test_expenditure_is_standardised_by_need_and_set_against_the_country(
    expenditure: Bench,
) -> None:
    """2 000 EUR a resident at a need of 0.8 are 2 500 standardised, 1.25 times the country's 2 000.

    2018 has no national figure nor model of its own: the newest before, and the first there is.
    """
    rows = expenditure.run(YEARS)
    found = {
        (r["calendar_year"], r["sector"]): (
            r["cost_per_resident_eur"],
            r["need_model_year"],
            r["standardised_eur"],
            r["ratio_to_country"],
        )
        for r in rows
    }
    assert {r["area_name"] for r in rows} == {"K"}
    assert found == {
        (2017, "health"): (2000, 2023, 2500, Decimal("1.25")),
        (2017, "elderly"): (70, 2023, 140, Decimal(1)),
        (2018, "health"): (1000, 2023, 1250, Decimal("0.625")),
        (2018, "elderly"): (0, 2023, 0, 0),
    }


@pytest.fixture(scope="module")
def need_by_list() -> Bench:
    return bench(
        "mart.need_by_list",
        {
            "core.enrolment": "person_id bigint, service_code varchar, provider_id varchar,"
            " valid_from_date date, valid_to_date date, known_to_seq bigint",
            "core.person_month": "person_id bigint, exposure_month date, municipality_code varchar,"
            " sex_code varchar, birth_date date, resident_days integer",
            "core.municipality": "municipality_code varchar, county_name varchar",
            "core.need_variable_mean": "model_year integer, area_name varchar,"
            " variable_number integer, beta_health double, beta_social double,"
            " beta_elderly double, variable_mean double",
            "mart.need_by_county": "model_year integer, area_name varchar,"
            " need_health_eur double, need_social_eur double, need_elderly_eur double,"
            " share_65plus double",
            "rulebook.need_variable_age": "valid_from_date date, variable_number integer,"
            " age_from integer, age_to integer, sex_code varchar",
        },
    )


def test_a_list_has_its_own_ages_and_sexes_in_its_counties_need(need_by_list: Bench) -> None:
    """Health: 1 000 + 200 x women. The county is half women: 1 100; a list of women alone 1 200.

    The country needs 1 000, so the list's coefficient is 1.2. Of 60 days two thirds are of 65 and
    more: care of the elderly, at the country's need a head, counts 2/3 over the country's 1/4.
    """
    june = date(2017, 6, 1)
    rows = need_by_list.run(
        {
            "core.enrolment": [
                (1, "reception", "Y1", date(2017, 6, 11), None, None),
                (2, "reception", "Y1", june, date(2017, 7, 1), None),
                (3, "reception", "Y1", june, date(2017, 6, 11), None),
            ],
            "core.person_month": [
                (1, june, "106", "2", date(1990, 1, 1), 30),
                (2, june, "106", "2", date(1940, 1, 1), 30),
                (3, june, "106", "2", date(1940, 1, 1), 30),
            ],
            "core.municipality": [("106", "K")],
            "core.need_variable_mean": [
                (2023, area, number, beta, None, None, mean)
                for area, women in (("K", 0.5), ("Koko maa", 0.0))
                for number, beta, mean in ((1, 1000.0, 1.0), (2, 200.0, women))
            ],
            "mart.need_by_county": [
                (2023, "K", 1100, 400, 5000, 0.2),
                (2023, "Koko maa", 1000, 500, 5000, 0.25),
            ],
            "rulebook.need_variable_age": [(date(2023, 1, 1), 2, 0, 200, "2")],
        }
    )
    found = {r["sector"]: (r["listed_days"], r["need_eur"], r["need_coefficient"]) for r in rows}
    assert found["health"] == (60, 1200, pytest.approx(1.2))
    assert found["social"] == (60, 400, pytest.approx(0.8))
    assert found["elderly"] == (40, 5000, pytest.approx(40 / 60 / 0.25))


def test_every_age_and_sex_of_the_published_model_is_in_the_rulebook(
    published: tuple[list[Row], list[Row]],
) -> None:
    """Every variable that is an age or sex is in the rulebook, by the name THL gives it."""
    inputs, _ = published
    (book,) = (b for b in load_definition().rulebooks if b.name == "need_variable_age")
    named = {int(row[0]): tuple(row[1:]) for _, row in book.rows}
    due = {
        int(row["row"])
        for row in inputs
        if "vuotias" in row["variable"] and "asuja" not in row["variable"]
    } | {4}
    assert named.keys() == due
    by_number = {int(row["row"]): row for row in inputs}
    for number, (first, _, sex) in named.items():
        name = by_number[number]["variable"]
        assert (
            first in name
            or (first == "0" and ("Alle 1" in name or name == "Nainen"))
            or (first == "96" and "Yli 96" in name)
        )
        assert {"1": "mies", "2": "ainen", "any": "vuotias"}[sex] in name


def test_what_the_ledger_spent_goes_to_counties_by_events_or_by_residents(
    expenditure: Bench,
) -> None:
    """400 by events, 3 to 1; 800 of a class without events by residents, 1 to 3."""
    rows = expenditure.run(
        {
            "core.municipality": [("106", "K", True), ("638", "I", True)],
            "core.resident_exposure": [(MAY_2017, "106", 365), (MAY_2017, "638", 3 * 365)],
            "core.resident_cost": [(MAY_2017, "106", "P01", 30), (MAY_2017, "638", "P01", 10)],
            "core.ledger_allocation": [
                (MAY_2017, "package", "P01", 400),
                (MAY_2017, "package", "P12", 800),
                (MAY_2017, "aura", "A01", 400),
            ],
            "mart.need_by_county": [(2023, "K", 1, 1, 1), (2023, "I", 1, 1, 1)],
            "rulebook.sector_class": YEARS["rulebook.sector_class"],
            "rulebook.national_expenditure": [(date(2017, 1, 1), "health", 500)],
        }
    )
    found = {r["area_name"]: (r["cost_eur"], r["standardised_eur"]) for r in rows}
    assert found == {"K": (500, 500), "I": (700, Decimal("233.33"))}
    assert all(r["is_by_ledger"] for r in rows)
