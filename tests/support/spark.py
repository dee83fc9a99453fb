"""Spark in tests: whether there is one, small and quick.

Here: the mark that skips, settings of a small Spark, a session. Not here: what it runs.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dagster_project.lake.placement import Placement
from dagster_project.lake.spark.session import open_spark, stop
from dagster_project.pipeline import Definition
from dagster_project.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

HAS_SPARK = importlib.util.find_spec("pyspark") is not None and shutil.which("java") is not None
# Spark is an extra that the lock file leaves out, and needs Java: most installations have neither.
needs_spark = pytest.mark.skipif(
    not HAS_SPARK, reason="no Spark here: install '.[spark]' and openjdk-17-jre-headless"
)


def make_small(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Have Spark do little before it starts, and shuffle into one part: a few rows are due."""
    (folder / "spark-defaults.conf").write_text("spark.sql.shuffle.partitions 1\n")
    patch.setenv("SPARK_CONF_DIR", str(folder))
    patch.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")


@contextmanager
def small_spark(folder: Path) -> Iterator[SparkSession]:
    """A session on one thread and 1 GB."""
    settings = Settings(engine="spark", threads=1, memory_limit_gib=1)
    with pytest.MonkeyPatch.context() as patch:
        make_small(patch, folder)
        session = open_spark(settings, folder / "spark")
        yield session
        stop(session)


def placed(definition: Definition, *models: str) -> Definition:
    """The definition with these models, and no others, placed on Spark."""
    return replace(definition, placement=Placement(frozenset(models)))


def spark_files(settings: Settings) -> list[Path]:
    """Files in the lake's folders that Spark wrote, registered or not."""
    return sorted((settings.lake / "data").rglob("spark-*.parquet"))
