"""The OMOP export by hand: a few people's visits, diagnoses, results and costs in, its rows out.

Here: rows, concepts, and tables that are not as the model says. Not here: whom it must not place
(`tests/privacy/test_omop.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from dagster_project.errors import BuildError, SettingsError
from dagster_project.lake.connection import Lake
from dagster_project.publish.manifest import Release
from dagster_project.publish.omop import cdm_tables, make_tables, write_table
from dagster_project.settings import Settings

RELEASE = Release("000007", 7, "run", 1, 0, (), reached_date="2017-06-30")
CORE = {
    "municipality": "municipality_code varchar, name_fi varchar, valid_from_date date",
    "site": "site_id varchar, site_name varchar, service_code varchar, municipality_code varchar,"
    " valid_from_date date",
    "care_relation": "person_id bigint, professional_id varchar, profession_code varchar,"
    " service_code varchar, valid_from_date date, valid_to_date date",
    "person": "person_id bigint, sex_code varchar, birth_date date, death_date date",
    "residence": "person_id bigint, municipality_code varchar, valid_from_date date,"
    " known_to_seq bigint",
    "person_month": "person_id bigint, exposure_month date, birth_date date",
    "encounter": "encounter_id bigint, person_id bigint, encounter_date date, started_at timestamp,"
    " ended_at timestamp, site_id varchar, contact_type_code varchar",
    "hospital_episode": "episode_id bigint, person_id bigint, episode_date date,"
    " started_at timestamp, ended_at timestamp, unit_code varchar, episode_kind_code varchar,"
    " discharge_code varchar, icd10_code varchar",
    "diagnosis": "encounter_id bigint, diagnosis_number integer, person_id bigint,"
    " diagnosed_date date, icd10_code varchar, icd10_pair_code varchar, icpc2_code varchar",
    "procedure": "procedure_id bigint, encounter_id bigint, person_id bigint, performed_date date,"
    " procedure_code varchar, tooth_code varchar",
    "measurement": "measurement_id bigint, person_id bigint, encounter_id bigint,"
    " measured_date date, measured_at timestamp, test_code varchar, value decimal(18,4),"
    " unit varchar, sent_unit varchar, comparator varchar, value_text varchar",
    "cost": "event_kind_code varchar, event_id bigint, cost_month date, cost_eur decimal(18,2),"
    " package_class_code varchar",
    "enrolment": "person_id bigint, service_code varchar, provider_id varchar,"
    " valid_from_date date, valid_to_date date, known_to_seq bigint",
}
MAY, NINTH = date(2017, 5, 1), date(2017, 5, 9)
AT = datetime(2017, 5, 9, 8)
ROWS: dict[str, list[tuple[Any, ...]]] = {
    "municipality": [("106", "Hyvinkää", MAY)],
    "site": [("S1", "Station", "T11", "106", MAY)],
    "care_relation": [(901, "A1", "22", "T11", MAY, None)],
    "person": [(901, "2", date(1950, 3, 4), date(2017, 6, 2)), (902, "1", date(1990, 1, 1), None)],
    # The second is under a protection order: nobody knows where.
    "residence": [(901, "106", MAY, None), (902, None, MAY, None)],
    "person_month": [
        (901, MAY, date(1950, 3, 4)),
        (901, date(2017, 6, 1), date(1950, 3, 4)),
        (902, MAY, date(1990, 1, 1)),
        (902, date(2017, 7, 1), date(1990, 1, 1)),
    ],
    "encounter": [
        (10**12, 901, NINTH, AT, None, "S1", "R10"),
        (11, 902, NINTH, AT, None, None, "R50"),
        (12, 999, NINTH, AT, None, "S1", "R10"),  # in no register
    ],
    "hospital_episode": [(10**12, 901, NINTH, AT, None, "HUS-HYV", "inpatient_stay", None, "I10")],
    "diagnosis": [
        (10**12, 1, 901, NINTH, "E119", "H360", None),
        (11, 1, 902, NINTH, None, None, "T90"),
    ],
    "procedure": [(5, 11, 902, NINTH, "SPAT1", "16")],
    "measurement": [
        (7, 901, 10**12, NINTH, AT, "1520", Decimal("1.9"), "mmol/l", "mmol/l", "<", "<1,9")
    ],
    "cost": [
        ("encounter", 10**12, MAY, Decimal("40.10"), "P01"),
        ("hospital_episode", 10**12, MAY, Decimal("900"), "P10"),
        ("procedure", 5, MAY, Decimal("30"), "P05"),
        ("service_period", 8, MAY, Decimal("70"), "P20"),
    ],
    "enrolment": [(901, "reception", "Y1", date(2017, 5, 2), None, None)],
}


def bench(settings: Settings) -> Lake:
    lake = Lake(duckdb.connect(), settings)
    for schema in ("release", "omop"):
        lake.execute(f"create schema {schema}")
    for name, columns in CORE.items():
        lake.execute(f'create table release."{name}" ({columns})')
        for row in ROWS[name]:
            lake.execute(
                f'insert into release."{name}" values ({", ".join("?" * len(row))})', list(row)
            )
    lake.execute(
        "create table omop.person_number as select person_id, cast(person_id - 900 as integer) as"
        " omop_person_id from release.person"
    )
    make_tables(lake, RELEASE)
    return lake


@pytest.fixture(scope="module")
def omop() -> Iterator[Lake]:
    lake = bench(Settings())
    yield lake
    lake.connection.close()


def test_persons_have_numbers_of_their_own_and_the_protected_no_place(omop: Lake) -> None:
    assert omop.rows(
        "select person_id, year_of_birth, gender_source_value, gender_concept_id, location_id,"
        " provider_id from omop.person order by person_id"
    ) == [(1, 1950, "2", 0, 1, 1), (2, 1990, "1", 0, None, None)]


def test_an_observation_ends_where_a_month_is_missing_or_life_ends(omop: Lake) -> None:
    assert omop.rows(
        "select person_id, observation_period_start_date, observation_period_end_date"
        " from omop.observation_period order by all"
    ) == [
        (1, MAY, date(2017, 6, 2)),
        (2, MAY, date(2017, 5, 31)),
        (2, date(2017, 7, 1), date(2017, 7, 31)),
    ]


def test_visits_are_encounters_and_episodes_which_end_where_the_data_do(omop: Lake) -> None:
    assert omop.rows(
        "select visit_occurrence_id, person_id, visit_end_date, care_site_source_value,"
        " visit_source_value from omop.visit_occurrence left join omop.care_site"
        " using (care_site_id) order by 1"
    ) == [
        (1, 2, NINTH, None, "R50"),
        (2, 1, NINTH, "S1", "R10"),
        (3, 1, date(2017, 6, 30), "HUS-HYV", "inpatient_stay"),
    ]


def test_every_code_of_a_diagnosis_is_a_condition(omop: Lake) -> None:
    assert omop.rows(
        "select person_id, condition_source_value, condition_concept_id, visit_occurrence_id"
        " from omop.condition_occurrence order by condition_occurrence_id"
    ) == [(2, "T90", 0, 1), (1, "E119", 0, 2), (1, "H360", 0, 2), (1, "I10", 0, 3)]


def test_a_bound_is_told_once_as_it_was_sent(omop: Lake) -> None:
    assert omop.rows(
        "select value_as_number, value_source_value, unit_source_value from omop.measurement"
    ) == [(1.9, "<1,9", "mmol/l")]


def test_costs_are_of_visits_and_procedures(omop: Lake) -> None:
    assert omop.rows(
        "select cost_domain_id, cost_event_id, total_cost from omop.cost order by cost_id"
    ) == [("Visit", 2, 40.1), ("Visit", 3, 900.0), ("Procedure", 1, 30.0)]


def test_files_have_every_column_of_the_model_and_say_what_was_left_out(
    omop: Lake, tmp_path: Path
) -> None:
    left_out = {}
    for name, columns in cdm_tables().items():
        done = write_table(omop, name, columns, tmp_path)
        schema = pq.read_schema(tmp_path / f"{name}.parquet")
        assert schema.names == [column.name for column in columns]
        left_out[name] = done.left_out_count
    assert {name: count for name, count in left_out.items() if count} == {
        "visit_occurrence": 1,
        "cost": 1,
    }


@pytest.mark.parametrize(
    ("table", "spoil", "message"),
    [
        ("death", "update omop.death set death_date = null", "1 rows lack death_date"),
        (
            "location",
            "update omop.location set city = repeat('x', 51)",
            "1 rows have more than 50 characters in city",
        ),
        (
            "visit_occurrence",
            "update omop.visit_occurrence set visit_occurrence_id = 1",
            "2 rows repeat visit_occurrence_id",
        ),
        (
            "death",
            "update omop.death set person_id = 77",
            "1 rows refer by person_id to no person",
        ),
        ("person", "alter table omop.person drop year_of_birth", "year_of_birth is required"),
    ],
)
def test_a_table_that_is_not_as_the_model_says_is_not_written(
    tmp_path: Path, table: str, spoil: str, message: str
) -> None:
    lake = bench(Settings())
    lake.execute(spoil)
    with pytest.raises(BuildError, match=f"OMOP {table}: .*{message}"):
        write_table(lake, table, cdm_tables()[table], tmp_path)
    assert list(tmp_path.iterdir()) == []


CONCEPT = """concept_id\tconcept_name\tvocabulary_id\tconcept_code\tstandard_concept
0\tv5.0 27-FEB-25\tNone\tNo matching concept\t
8507\tMALE\tGender\tM\tS
8532\tFEMALE\tGender\tF\tS
1567956\tType 2\tICD10\tE11.9\t
201826\tType 2\tSNOMED\t44054006\tS
8753\tmillimole per liter\tUCUM\tmmol/L\tS
9202\tOutpatient\tVisit\tOP\tS
"""
LINKS = """concept_id_1\tconcept_id_2\trelationship_id\tinvalid_reason
1567956\t201826\tMaps to\t
1567956\t8507\tIs a\t
"""


def test_codes_become_concepts_where_the_vocabulary_is_installed(tmp_path: Path) -> None:
    (tmp_path / "CONCEPT.csv").write_text(CONCEPT, encoding="utf-8")
    (tmp_path / "CONCEPT_RELATIONSHIP.csv").write_text(LINKS, encoding="utf-8")
    lake = bench(Settings(omop_vocabulary=tmp_path))
    assert lake.rows(
        "select condition_source_value, condition_concept_id, condition_source_concept_id"
        " from omop.condition_occurrence where person_id = 1 order by 1"
    ) == [("E119", 201826, 1567956), ("H360", 0, 0), ("I10", 0, 0)]
    assert lake.rows("select gender_concept_id from omop.person order by person_id") == [
        (8532,),
        (8507,),
    ]
    assert lake.rows("select unit_concept_id from omop.measurement") == [(8753,)]
    assert lake.rows("select vocabulary_version from omop.cdm_source") == [("v5.0 27-FEB-25",)]


def test_a_vocabulary_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"CONCEPT\.csv is not there"):
        bench(Settings(omop_vocabulary=tmp_path))
