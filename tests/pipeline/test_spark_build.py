"""A lake whose heavy models run on Spark holds what one built by DuckDB alone holds.

Here: builds over few tables, whole and by months, on the real lake; in the deep tier every model
over the synthetic region. Not here: functions one by one (`tests/spec/test_spark_functions.py`),
what goes wrong (`tests/faults/test_spark_faults.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dagster_project import pipeline
from dagster_project.lake.connection import Lake
from dagster_project.lake.placement import queries_of_views
from dagster_project.lake.spark.engine import Spark
from dagster_project.settings import Settings
from tests.pipeline.conftest import Region
from tests.support import homes, small_region
from tests.support.deliveries import reference_lists
from tests.support.few_tables import few_tables
from tests.support.small_region import JUNE, MAY
from tests.support.spark import make_small, needs_spark, placed, spark_files

PLACED = (
    "core.encounter",  # by months, incremental
    "core.enrolment",  # windows, compared with what stands
    "core.person",
    "core.person_alias",  # recursive
    "mart.enrolled_by_provider",  # ages, texts, several parents
)


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        make_small(patch, tmp_path_factory.mktemp("conf"))
        yield


def on_spark(settings: Settings) -> Settings:
    return settings.model_copy(update={"engine": "spark", "threads": 1, "memory_limit_gib": 1.0})


@needs_spark
def test_builds_by_months_are_those_of_duckdb(tmp_path: Path) -> None:
    ours = homes.new_settings(tmp_path / "duckdb")
    theirs = on_spark(homes.new_settings(tmp_path / "spark", keys=ours.keys))
    definition = placed(few_tables(), *PLACED)
    with (
        pipeline.open_session(ours, definition=definition) as plain,
        pipeline.open_session(theirs, definition=definition) as beside,
    ):
        may = [*reference_lists(), *small_region.of_month(MAY)]
        assert homes.run(plain, *may).build_id == homes.run(beside, *may).build_id
        assert homes.differences(homes.contents(plain), homes.contents(beside)) == {}

        june = small_region.of_month(JUNE)
        whole = {built.model: built.rebuilt for built in homes.run(plain, *june).models}
        assert {b.model: b.rebuilt for b in homes.run(beside, *june).models} == whole
        assert whole["core.encounter"].endswith("months")
        assert homes.differences(homes.contents(plain), homes.contents(beside)) == {}

        registered = beside.lake.rows(
            "select data_file from ducklake_list_files('lake', 'encounter', schema => 'core')"
        )
    assert registered
    assert all(Path(file).name.startswith("spark-") for (file,) in registered)
    assert spark_files(theirs)
    assert not spark_files(ours)


@pytest.mark.deep
@needs_spark
def test_every_model_gives_the_same_on_spark(region: Region) -> None:
    """Keys, decimals to the digit, missing values and counts; doubles to nine decimals."""
    session = region.session
    definition = session.definition
    lake = Lake(session.lake.connection, on_spark(session.lake.settings))
    engine = Spark(lake, definition.graph, queries_of_views(definition.catalogue))
    unlike = {}
    for model in definition.graph.models:
        if model.full_name in definition.placement.cannot:
            continue
        with engine.rows(model) as rows:
            columns = ", ".join(
                f'round("{name}", 9) as "{name}"' if kind == "DOUBLE" else f'"{name}"'
                for name, kind, *_ in lake.rows(f"describe lake.{model.full_name}")
            )
            sides = (
                f"select {columns} from lake.{model.full_name}",
                f"select {columns} from {rows.relation}",
            )
            counts = [
                lake.count(f"select count(*) from ({one} except all {other})")
                for one, other in (sides, sides[::-1])
            ]
        if counts != [0, 0]:
            unlike[model.full_name] = counts
    engine.close()
    assert unlike == {}
