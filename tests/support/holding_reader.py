"""A reader of the lake itself in a process of its own, which holds one transaction open.

Arguments: the folder `lake`, a file to touch once the transaction reads, seconds to hold it. Prints
the number of deliveries it saw at the start and at the end of its transaction.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import duckdb

from dagster_project.lake.connection import load_extensions

COUNT = "select count(*) from lake.ops.delivery"


def main(lake: Path, holding: Path, seconds: float) -> None:
    """Attach read-only, begin, read, wait, read again."""
    connection = duckdb.connect(config={"autoload_known_extensions": False})
    load_extensions(connection, ("ducklake", "sqlite_scanner"))
    connection.execute(f"attach 'ducklake:sqlite:{lake / 'catalog.sqlite'}' as lake (read_only)")
    connection.execute("begin transaction")
    first = connection.execute(COUNT).fetchall()[0][0]
    holding.touch()
    time.sleep(seconds)
    last = connection.execute(COUNT).fetchall()[0][0]
    connection.execute("commit")
    sys.stdout.write(f"{first} {last}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
