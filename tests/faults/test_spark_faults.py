"""Spark missing, stopped, misled or given too much: told plainly, and nothing is half registered.

Here: what goes wrong with the other engine. Not here: what it should give (`tests/pipeline`).
"""

from __future__ import annotations

import importlib.util
import shutil
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from dagster_project import pipeline
from dagster_project.errors import BuildError, ContractError, SettingsError
from dagster_project.lake.placement import load_placement
from dagster_project.lake.spark import session as spark_session
from dagster_project.lake.spark.engine import Spark
from dagster_project.settings import Settings
from tests.support import homes
from tests.support.few_tables import few_tables
from tests.support.runs import start
from tests.support.small_region import deliveries
from tests.support.spark import make_small, needs_spark, placed, spark_files

_KILLED = """
import os, signal, threading, time
from dagster_project import pipeline
from dagster_project.errors import BuildError
from dagster_project.settings import Settings
from tests.support import homes
from tests.support.few_tables import few_tables
from tests.support.spark import placed

settings = Settings(engine="spark", threads=1, memory_limit_gib=1)
definition = placed(few_tables(), "core.encounter")

def kill_while_it_writes():
    while not any(settings.temp.glob("spark/*/_temporary")):
        time.sleep(0.0005)
    from pyspark import SparkContext
    os.kill(SparkContext._gateway.proc.pid, signal.SIGKILL)

with pipeline.open_session(settings, definition=definition) as session:
    threading.Thread(target=kill_while_it_writes, daemon=True).start()
    try:
        pipeline.build(session, report=homes.silent)
    except BuildError as error:
        print(error)
"""


@pytest.fixture
def home(settings: Settings) -> Settings:
    """A home whose deliveries are taken in, and nothing built."""
    with pipeline.open_session(settings, definition=few_tables()) as session:
        homes.take_in(session, *deliveries())
    return settings


@needs_spark
def test_spark_killed_while_it_writes_leaves_nothing(
    home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_small(monkeypatch, tmp_path)
    output, errors = start(home, "-c", _KILLED).communicate()
    assert output == (
        "core.encounter cannot be built on Spark: Spark stopped while it was at work; nothing of it"
        " stands: run again\n"
    ), errors
    assert spark_files(home) == []
    with pipeline.open_session(home, definition=few_tables()) as session:
        assert not session.lake.has_table("core", "encounter")
        assert homes.build(session).build_id == 1


@needs_spark
def test_rows_that_lie_in_the_catalog_are_not_overlooked(
    home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_small(monkeypatch, tmp_path)
    on_spark = home.model_copy(update={"engine": "spark", "threads": 1, "memory_limit_gib": 1.0})
    definition = placed(few_tables(), "core.encounter")
    with pipeline.open_session(on_spark, definition=definition) as session:
        session.lake.execute(
            "call lake.set_option('data_inlining_row_limit', 10, schema => 'staging')"
        )
        session.lake.execute(
            "insert into lake.staging.encounters"
            " select * replace (99 as record_number) from staging.encounters limit 1"
        )
        with pytest.raises(BuildError, match=r"^staging\.encounters: its files alone are not what"):
            homes.build(session)
        assert not session.lake.has_table("core", "encounter")


def test_without_spark_the_setting_is_refused_when_a_model_needs_it(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pyspark" else find(name)
    )
    on_spark = home.model_copy(update={"engine": "spark"})
    definition = placed(few_tables(), "core.encounter")
    with (
        pipeline.open_session(on_spark, definition=definition) as session,
        pytest.raises(SettingsError, match=r"not installed: `pip install 'tietoallas\[spark\]'`"),
    ):
        homes.build(session)


@needs_spark
def test_without_java_the_setting_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(SettingsError, match=r"needs Java 17 or newer: install openjdk-17-jre"):
        spark_session.open_spark(Settings(engine="spark"), tmp_path)


@needs_spark
def test_a_server_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"sc://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(SettingsError, match=rf"^TIETOALLAS_ENGINE={address}: no Spark Connect"):
        spark_session.open_spark(Settings(engine=address), tmp_path)


@pytest.mark.parametrize("engine", ["Spark", "sc://", "flink"])
def test_an_engine_that_there_is_not_is_refused(engine: str) -> None:
    with pytest.raises(ValueError, match="engine"):
        Settings(engine=engine)


def test_a_model_with_a_function_nobody_tested_is_refused_before_spark_starts(
    home: Settings,
) -> None:
    definition = few_tables()
    model = replace(
        definition.graph.model("core.person"),
        sql="select person_id, soundex(sex_code) as sound from core.person",
    )
    with pipeline.open_session(home, definition=definition) as session:
        homes.build(session)
        engine = Spark(session.lake, definition.graph, {})
        with (
            pytest.raises(BuildError, match=r"^core\.person cannot run on Spark: it holds Soundex"),
            engine.rows(model),
        ):
            pass
        assert "session" not in vars(engine)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("spark: [core.persom]\ncannot: {}\n", r"no model core\.persom in sql/"),
        ("spark: [core.person]\n", r"says `spark` \(a list of models\) and `cannot`"),
        (
            "spark: [core.person]\ncannot:\n  core.person: too hard\n",
            r"core\.person cannot run on Spark, and is placed there",
        ),
        ("spark: [\n", "is no YAML"),
    ],
)
def test_a_placement_that_is_not_sound_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "placement.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ContractError, match=said):
        load_placement(tmp_path, few_tables().graph)
