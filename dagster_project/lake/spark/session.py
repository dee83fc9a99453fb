"""How Spark is started, and what of its errors may be told.

Here: the session, its settings, its errors in words of ours. Not here: what it runs (`spark`).
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dagster_project.errors import BuildError, SettingsError
from dagster_project.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_RULES = {
    # Overflow and what cannot be cast are errors; a product keeps all its decimals or is one.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    # `timestamp` has no zone, as in DuckDB; what asks for one gets UTC.
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.session.timeZone": "UTC",
    # In Spark 4.1 it makes invalid plans of `not in` over a query that reads one table twice.
    "spark.sql.optimizer.excludedRules": (
        "org.apache.spark.sql.catalyst.optimizer.RemoveRedundantAliases"
    ),
}
"""Of any session: results hang on them."""
_CONNECT_PORT = 15002
"""Of a Spark Connect server, unless its address says another."""
_LIBRARIES = frozenset({"pyspark", "py4j", "grpc"})
_CONDITION = re.compile(r"\[([A-Z][A-Z0-9_.]+)\]")
_SILENT = """status = off
appender.none.type = Null
appender.none.name = none
rootLogger.level = off
rootLogger.appenderRef.none.ref = none
logger.shell.name = org.apache.spark.api.python.PythonGatewayServer
logger.shell.level = off
"""
"""For Log4j: Spark's log may quote values. The last logger is what a shell takes its level from."""


def open_spark(settings: Settings, folder: Path) -> SparkSession:
    """A session in this process, or of the Spark Connect server that the settings name.

    Args:
        settings: `engine` says which.
        folder: Where Spark in this process spills, encrypted.

    Raises:
        SettingsError: Spark or Java is missing, or Spark does not start or answer.
    """
    if importlib.util.find_spec("pyspark") is None:
        raise SettingsError(
            "TIETOALLAS_ENGINE asks for Spark, which is not installed: `pip install"
            " 'tietoallas[spark]'`, or leave the setting out"
        )
    from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra, slow to import

    builder = SparkSession.builder.appName("tietoallas")
    if settings.engine == "spark":
        if not _has_java():
            raise SettingsError(
                "TIETOALLAS_ENGINE=spark needs Java 17 or newer: install openjdk-17-jre-headless,"
                " or set JAVA_HOME"
            )
        builder = builder.master(f"local[{settings.worker_threads}]")
        conf = _RULES | _in_this_process(settings, folder)
    else:
        _see_that_it_answers(settings.engine)
        builder, conf = builder.remote(settings.engine), _RULES
    for name, value in conf.items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except Exception as error:
        if not _is_sparks(error):
            raise
        raise SettingsError(
            f"TIETOALLAS_ENGINE={settings.engine}: Spark does not start or answer"
            f" ({_condition(error)}); see that Java is 17 or newer, or that the server is up"
        ) from None


def _see_that_it_answers(address: str) -> None:
    """PySpark itself would try for minutes."""
    place = urlsplit(address)
    try:
        socket.create_connection((place.hostname, place.port or _CONNECT_PORT), timeout=10).close()
    except OSError as error:
        raise SettingsError(
            f"TIETOALLAS_ENGINE={address}: no Spark Connect server answers there"
            f" ({error.strerror or type(error).__name__}); start it, or correct the address"
        ) from None


def _has_java() -> bool:
    home = os.environ.get("JAVA_HOME")
    return Path(home, "bin", "java").exists() if home else shutil.which("java") is not None


def _in_this_process(settings: Settings, folder: Path) -> dict[str, str]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    silent = folder / "log4j2.properties"
    silent.write_text(_SILENT, encoding="utf-8")
    return {
        "spark.driver.memory": f"{settings.memory_limit_bytes >> 20}m",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.local.dir": str(folder),
        "spark.io.encryption.enabled": "true",  # what spills holds rows of persons
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={silent}",
    }


@contextmanager
def guarded(what: str) -> Iterator[None]:
    """Tell of Spark's errors in words of ours: its own may quote a row, hence a person.

    Raises:
        BuildError: Spark failed, or stopped.
    """
    try:
        yield
    except Exception as error:
        if not _is_sparks(error):
            raise
        raise BuildError(f"{what} cannot be built on Spark: {_told(error)}") from None


def _is_sparks(error: Exception) -> bool:
    return type(error).__module__.partition(".")[0] in _LIBRARIES or isinstance(
        error, ConnectionError
    )


def _told(error: Exception) -> str:
    from py4j.protocol import Py4JError, Py4JJavaError  # noqa: PLC0415 - of the extra
    from pyspark.errors import AnalysisException  # noqa: PLC0415

    if isinstance(error, AnalysisException):  # it speaks of the query, not of values
        return str(error).strip().partition("\n")[0][:500]
    if isinstance(error, ConnectionError) or (
        isinstance(error, Py4JError) and not isinstance(error, Py4JJavaError)
    ):
        return "Spark stopped while it was at work; nothing of it stands: run again"
    return f"{_condition(error)} (its text may hold values, so it is not shown)"


def _condition(error: Exception) -> str:
    """The name that Spark gives an error, or the error's kind."""
    found = _CONDITION.search(str(error))
    return found[1] if found else type(error).__name__


def stop(session: SparkSession) -> None:
    """End a session, also one that has ended by itself."""
    try:
        session.stop()
    except Exception as error:
        if not _is_sparks(error):
            raise
