"""Maintenance: small files merged, deleted rows gone from disk, old snapshots let go.

Here: DuckLake's own calls, in the order that is safe. Not here: what is deleted and why.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from dagster_project.lake.builds import green_build, last_event_id
from dagster_project.lake.connection import Lake
from dagster_project.lake.runs import Run


@dataclass(frozen=True)
class Maintained:
    """What maintenance did."""

    expired_snapshot_count: int
    removed_file_count: int


def maintain(lake: Lake, run: Run) -> Maintained:
    """Rewrite files with deleted rows, expire snapshots past retention, remove what nothing needs.

    Never past the last green build: a release or settlement in the making still reads that one.
    """
    lake.execute("call ducklake_rewrite_data_files('lake', delete_threshold => 0)")
    lake.execute("call ducklake_merge_adjacent_files('lake')")
    _move_green(lake, run)
    expired = _expire(lake, run)
    removed = lake.rows("call ducklake_cleanup_old_files('lake', cleanup_all => true)")
    # What a killed run wrote and never committed; there is one writer, and it is at work here.
    orphaned = lake.rows("call ducklake_delete_orphaned_files('lake', cleanup_all => true)")
    return Maintained(expired, len(removed) + len(orphaned))


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


def _expire(lake: Lake, run: Run) -> int:
    green = green_build(lake)
    limit = run.now() - timedelta(days=lake.settings.retain_snapshot_days)
    old = [
        snapshot
        for (snapshot,) in lake.rows(
            "select snapshot_id from ducklake_snapshots('lake')"
            " where cast(snapshot_time as timestamp) < ? and snapshot_id <> ?"
            " and snapshot_id < (select max(snapshot_id) from ducklake_snapshots('lake'))",
            [limit, green.snapshot_id if green else -1],
        )
    ]
    if old:
        versions = ", ".join(map(str, old))
        lake.execute(f"call ducklake_expire_snapshots('lake', versions => [{versions}])")
    return len(old)
