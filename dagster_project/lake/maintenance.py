"""Maintenance: small files merged, deleted rows gone from disk, old snapshots let go.

Here: DuckLake's own calls, in the order that is safe. Not here: what is deleted and why.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from dagster_project.lake.builds import green_build, last_event_id
from dagster_project.lake.connection import Lake
from dagster_project.lake.runs import Run


@dataclass(frozen=True)
class Maintained:
    """What maintenance did."""

    expired_snapshot_count: int
    removed_file_count: int


def maintain(lake: Lake, run: Run, *, retain_days: int | None = None) -> Maintained:
    """Rewrite files with deleted rows, expire snapshots past retention, remove what nothing needs.

    Never past the last green build: a release or settlement in the making still reads that one.

    Args:
        lake: What to tidy.
        run: Says what time it is.
        retain_days: How old snapshots may be, 0 for none but the newest; by default as the
            settings say.
    """
    days = lake.settings.retain_snapshot_days if retain_days is None else retain_days
    lake.execute("call ducklake_rewrite_data_files('lake', delete_threshold => 0)")
    lake.execute("call ducklake_merge_adjacent_files('lake')")
    _move_green(lake, run)
    expired = _expire(lake, run.now() - timedelta(days=days) if days else None)
    removed = lake.rows("call ducklake_cleanup_old_files('lake', cleanup_all => true)")
    # What a killed run wrote and never committed; there is one writer, and it is at work here.
    orphaned = lake.rows("call ducklake_delete_orphaned_files('lake', cleanup_all => true)")
    if lake.settings.catalog == "sqlite":
        _compact(lake.settings.lake / "catalog.sqlite")
    return Maintained(expired, len(removed) + len(orphaned))


def _compact(catalog: Path) -> None:
    """Write the catalog anew: SQLite leaves what was deleted in free pages, ids of persons too.

    A reader who is at work in it keeps its write-ahead log, which the next call then empties.

    Raises:
        sqlite3.Error: another process is writing to it.
    """
    with closing(sqlite3.connect(catalog, isolation_level=None)) as connection:
        connection.execute("vacuum")
        connection.execute("pragma wal_checkpoint(truncate)")


def _move_green(lake: Lake, run: Run) -> None:
    """Let the last green build stand on the rewritten files, where it is all that has happened.

    The rows are the same; the files it stood on may hold what an order or a withdrawal took out.
    """
    green = green_build(lake)
    if green is None or last_event_id(lake) != green.last_event_id:
        return
    lake.execute(
        "insert into lake.ops.build select build_id + 1, ?, last_event_id, protection_count,"
        " models_sha256, ?, ? from ops.build as green where build_id = ? and not exists"
        " (select 1 from ops.model_build where model_build.built_at > green.built_at)",
        [lake.snapshot_id(), run.now(), run.run_id, green.build_id],
    )


def _expire(lake: Lake, limit: datetime | None) -> int:
    green = green_build(lake)
    old = [
        snapshot
        for (snapshot,) in lake.rows(
            "select snapshot_id from ducklake_snapshots('lake')"
            " where coalesce(cast(snapshot_time as timestamp) < ?, true) and snapshot_id <> ?"
            " and snapshot_id < (select max(snapshot_id) from ducklake_snapshots('lake'))",
            [limit, green.snapshot_id if green else -1],
        )
    ]
    if old:
        versions = ", ".join(map(str, old))
        lake.execute(f"call ducklake_expire_snapshots('lake', versions => [{versions}])")
    return len(old)
