"""A reader of releases in a process of its own, which polls until it is told to stop.

Arguments: the folder `published`, a file to touch once it has read, a file that says stop. Prints
as JSON how often it read, which releases it met, and everything that was torn or missing.

Here: what a BI tool and an analyst do, in the two ways they do it. Not here: publishing.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

_PAUSE_SECONDS = 0.3
"""Between reads, so that three readers leave the writer some of a small machine."""


def read_as_documented(published: Path) -> tuple[str, int]:
    """Resolve `current` once and read one release; its id and number of encounters.

    Raises:
        AssertionError: its files are not those of one manifest, or do not agree with each other.
    """
    release = (published / "current").resolve()
    manifest: dict[str, Any] = json.loads((release / "manifest.json").read_text())
    assert manifest["release_id"] == release.name
    for table in manifest["tables"]:
        data = (release / table["path"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == table["sha256"], table["path"]
        read = pq.read_table(pa.BufferReader(data))
        assert read.num_rows == table["row_count"], table["path"]
    visits = pq.read_table(release / "internal" / "bi" / "visits_by_profession.parquet")
    counted = sum(visits["encounter_count"].to_pylist())
    assert encounters(release / "analyst" / "tietoallas.duckdb") == counted
    return release.name, counted


def read_file_by_file(published: Path) -> None:
    """Go through `current` anew for every file, as a tool with a stored path does.

    Each file is opened once. Who opens a path twice may meet two releases, however a file is
    swapped: `pyarrow.parquet.read_table(path)` reads the footer, then opens the file again. Such a
    reader resolves `current` first.
    """
    tables = json.loads((published / "current" / "manifest.json").read_text())["tables"]
    for table in tables:
        with (published / "current" / table["path"]).open("rb") as file:
            pq.ParquetFile(file).read()
    encounters(published / "current" / "analyst" / "tietoallas.duckdb")


def encounters(file: Path) -> int:
    """How many encounters analysts see; the connection attaches nothing else and writes nothing."""
    with duckdb.connect(str(file), read_only=True) as connection:
        row = connection.execute("select count(*) from core.encounter").fetchone()
    return int(row[0]) if row else -1


def main(published: Path, started: Path, stop: Path) -> None:
    """Read until told to stop."""
    seen: dict[str, int] = {}
    failures: list[str] = []
    reads = 0
    while not stop.exists():
        try:
            release, count = read_as_documented(published)
            failures += [f"{release} changed"] if seen.setdefault(release, count) != count else []
            read_file_by_file(published)
        except Exception as error:
            failures.append(f"{type(error).__name__}: {error}")
        reads += 1
        started.touch()
        time.sleep(_PAUSE_SECONDS)
    sys.stdout.write(json.dumps({"reads": reads, "seen": seen, "failures": failures}))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
