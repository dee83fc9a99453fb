"""The two published files through the same door as any delivery, to the figures published of them.

Here: the files themselves, read again with the csv module. Skipped, saying so, where they are not.
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from dagster_project import pipeline
from dagster_project.errors import CheckFailed
from dagster_project.pipeline import Session
from dagster_project.publish.manifest import Release
from dagster_project.publish.release import publish
from tests.support.few_tables import few_tables
from tests.support.homes import build, new_settings, rows, silent, turn

POPULATION = "005_11re_2018.csv"
WEIGHTS = {"health": 0.5886, "social": 0.2139, "elderly": 0.1975}
"""THL, need-standardised expenditure of wellbeing services counties, final table 2023."""
COUNTRY = "Koko maa"


def population_text(shared_data: Path) -> str:
    return (shared_data / "population" / POPULATION).read_bytes().decode("iso-8859-1")


def put_population(landing: Path, text: str, year: int) -> None:
    folder = landing / "statfin" / "population"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"005_11re_{year}.csv").write_bytes(text.encode("iso-8859-1"))


def put_need(landing: Path, shared_data: Path) -> None:
    for table, part in (("need_model", "inputs"), ("need_areas", "areas")):
        folder = landing / "thl" / table
        folder.mkdir(parents=True, exist_ok=True)
        name = f"thl_need_2023_{part}.csv"
        (folder / name).write_bytes((shared_data / "need_model" / name).read_bytes())


@pytest.fixture(scope="module")
def lake(
    shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Session, Release]]:
    """Both files taken in, built and published, over the models that rest on them and on little."""
    settings = new_settings(tmp_path_factory.mktemp("published"))
    put_population(settings.landing, population_text(shared_data), 2018)
    put_need(settings.landing, shared_data)
    definition = few_tables("statfin/population", "thl/need_model", "thl/need_areas")
    with pipeline.open_session(settings, definition=definition) as session:
        ingested = pipeline.ingest(session, report=silent)
        assert not ingested.refusals
        assert sum(o.verdict.quarantined for o in ingested.outcomes if o.verdict) == 0
        build(session)
        yield session, publish(session)


def stated_totals(shared_data: Path) -> dict[str, tuple[int, int]]:
    """The file's own total rows, by area."""
    records = csv.reader(population_text(shared_data).splitlines()[3:])
    return {area: (int(m), int(w)) for area, age, m, w in records if age == "Yhteensä"}


def added_up(shared_data: Path) -> dict[str, tuple[int, int, int]]:
    """Men, women and persons of 65 and over, added up from the rows by age."""
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for area, age, men, women in csv.reader(population_text(shared_data).splitlines()[3:]):
        if age != "Yhteensä":
            found[area][0] += int(men)
            found[area][1] += int(women)
            found[area][2] += (int(men) + int(women)) * (int(age.removesuffix(" -")) >= 65)
    return {area: (men, women, old) for area, (men, women, old) in found.items()}


def test_municipality_totals_equal_the_files_own_total_rows(
    lake: tuple[Session, Release], shared_data: Path
) -> None:
    found = rows(
        lake[0].lake,
        "mart.population_by_municipality",
        "area_name, male_count, female_count, person_count, person_65plus_count",
    )
    assert {a: (m, w) for a, m, w, _, _ in found} == stated_totals(shared_data)
    assert {a: (m, w, old) for a, m, w, _, old in found} == added_up(shared_data)
    assert all(persons == men + women for _, men, women, persons, _ in found)
    assert len(found) > 300


def test_the_country_had_5_517_919_residents_in_2018(lake: tuple[Session, Release]) -> None:
    count = lake[0].lake.value(
        "select person_count from mart.population_by_municipality"
        " where area_name = 'KOKO MAA' and statistics_year = 2018"
    )
    assert count == 5_517_919


def need(shared_data: Path) -> dict[str, dict[str, float]]:
    """THL's calculation said again: sums of coefficient times mean, against the country."""
    folder = shared_data / "need_model"
    with (folder / "thl_need_2023_inputs.csv").open(encoding="utf-8", newline="") as file:
        inputs = list(csv.DictReader(file))
    with (folder / "thl_need_2023_areas.csv").open(encoding="utf-8", newline="") as file:
        areas = {row["area"]: row for row in csv.DictReader(file)}
    euros = {
        area: {
            sector: math.fsum(
                float(row[f"beta_{sector}"] or 0) * float(row[area]) for row in inputs
            )
            for sector in WEIGHTS
        }
        for area in areas
    }
    found = {}
    for area, own in euros.items():
        part = {sector: own[sector] / euros[COUNTRY][sector] for sector in WEIGHTS}
        share = float(areas[area]["share_65plus"]) / float(areas[COUNTRY]["share_65plus"])
        part["elderly"] *= share
        part["total"] = math.fsum(WEIGHTS[sector] * part[sector] for sector in WEIGHTS)
        found[area] = part
    return found


def test_need_coefficients_equal_the_published_ones(
    lake: tuple[Session, Release], shared_data: Path
) -> None:
    parts = ("health", "social", "elderly", "total")
    with (shared_data / "need_model" / "thl_need_2023_areas.csv").open(encoding="utf-8") as file:
        published = {
            r["area"]: [float(r[f"coef_{p}"]) for p in parts] for r in csv.DictReader(file)
        }
    columns = "area_name, " + ", ".join(f"coefficient_{p}" for p in parts)
    found = {a: values for a, *values in rows(lake[0].lake, "mart.need_by_county", columns)}
    again = need(shared_data)
    assert found.keys() == published.keys()
    assert len(found) == 22 + 1  # 21 counties and Helsinki, and the country
    for area, values in found.items():
        assert values == pytest.approx(published[area], abs=1e-12, rel=0)
        assert values == pytest.approx([again[area][p] for p in parts], abs=1e-12, rel=0)


@pytest.mark.parametrize(
    ("area", "total"),
    [
        ("Keski-Uudenmaan hyvinvointialue", 0.8495234881),
        ("Kainuun hyvinvointialue", 1.2161139889),
        ("Koko maa", 1.0),
    ],
)
def test_need_totals_are_the_golden_ones(
    lake: tuple[Session, Release], area: str, total: float
) -> None:
    found = lake[0].lake.value(
        "select coefficient_total from mart.need_by_county where area_name = ?", [area]
    )
    assert round(found, 10) == total


def test_one_person_too_many_blocks_the_build_and_the_last_good_state_stands(
    lake: tuple[Session, Release], shared_data: Path
) -> None:
    """The next year's file, with one more boy of age 0 in the country than its total row says."""
    session, good = lake
    text = population_text(shared_data).replace("Miehet 2018", "Miehet 2019")
    text = text.replace("Naiset 2018", "Naiset 2019")
    put_population(
        session.lake.settings.landing,
        text.replace('"KOKO MAA","0",24663,', '"KOKO MAA","0",24664,'),
        2019,
    )
    assert not pipeline.ingest(session, report=silent).refusals
    with pytest.raises(CheckFailed, match=r"population_by_municipality\.totals_equal_published"):
        build(session)
    assert publish(session) == good
    assert (session.lake.settings.published / "current").resolve().name == good.release_id
    turn(session, "statfin/population", 2019)
    assert build(session).build_id != good.build_id
    tables = {t.path: t.sha256 for t in publish(session).tables}
    name = "internal/bi/population_by_municipality.parquet"
    assert tables[name] == {t.path: t.sha256 for t in good.tables}[name]
