"""How Spark is started, and what of its errors may be told.

Here: the session, its settings, errors in words of ours. Not here: what it runs (`spark`).
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_project.errors import BuildError, SettingsError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_RULES = {
    # Overflow and what cannot be cast are errors, and a product keeps all its decimals or fails.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    # `timestamp` has no zone, as in DuckDB; what asks for one gets UTC.
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "8",
}
"""Of a session: results hang on them."""


def open_spark(target: str, folder: Path) -> SparkSession:
    """A session in this process (`spark`), or of a Spark Connect server (`sc://host:port`).

    Raises:
        SettingsError: Spark or Java is missing, or the server does not answer.
    """
    if importlib.util.find_spec("pyspark") is None:
        raise SettingsError(
            "TIETOALLAS_ENGINE asks for Spark, which is not installed: `pip install"
            " 'tietoallas[spark]'`, or leave the setting out"
        )
    from pyspark.sql import SparkSession  # noqa: PLC0415 - only where it is used: it is an extra

    if target != "spark":
        ...
    if not _has_java():
        raise SettingsError(
            "TIETOALLAS_ENGINE=spark needs Java 17 or newer: install openjdk-17-jre-headless, or set"
            " JAVA_HOME"
        )
    folder.mkdir(parents=True, exist_ok=True)
    builder = SparkSession.builder.master("local[1]").appName("tietoallas")
    for name, value in (_RULES | _local(folder)).items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _has_java() -> bool:
    home = os.environ.get("JAVA_HOME")
    return (Path(home) / "bin" / "java").exists() if home else shutil.which("java") is not None


def _local(folder: Path) -> dict[str, str]:
    return {
        "spark.ui.enabled": "false",
        "spark.driver.memory": "2g",
        "spark.local.dir": str(folder),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.catalogImplementation": "in-memory",
        "spark.io.encryption.enabled": "true",  # what spills holds rows of persons
        "spark.log.level": "OFF",  # its log may quote values
        "spark.driver.extraJavaOptions": "-Dlog4j2.level=OFF",
    }


@contextmanager
def guarded(what: str) -> Iterator[None]:
    """Tell Spark's errors without its words, which may quote a row.

    Raises:
        BuildError: Spark failed or stopped.
    """
    yield
