"""Runs whose disk fills up, in a process that has a small disk of its own.

Arguments: the disk, the key file. Takes May in, leaves ever more room beside a file that fills the
disk, tries to take June in each time, then frees the disk and tries again. Prints one JSON object.

Here: the whole scenario, since the disk is gone with the process. Not here: what must hold.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from dagster_project.settings import Settings
from tests.support import few_tables
from tests.support.deliveries import reference_lists, write_all
from tests.support.runs import analyst_content, command, lake_content
from tests.support.small_region import MAY, june_without_order, of_month

ROOM_KIB = (0, 32, 128, 512, 1024, 2048)


def fill(ballast: Path, *, leave_kib: int) -> None:
    """Write a file until only so much of the disk is free."""
    free = shutil.disk_usage(ballast.parent).free - leave_kib * 1024
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free)


def attempt(settings: Settings, ballast: Path, room_kib: int) -> dict[str, Any]:
    """Run with so much room; what was said, and whether what stood before still stands."""
    before = (settings.published / "current").resolve()
    fill(ballast, leave_kib=room_kib)
    status, _, errors = command(settings, "run")
    ballast.unlink()
    after = (settings.published / "current").resolve()
    return {
        "room_kib": room_kib,
        "status": status,
        "errors": errors,
        "stands": after == before,
        "encounters": len(analyst_content(after)["core.encounter"]),
    }


def main(disk: Path, keys: Path) -> None:
    """Play the scenario."""
    settings = Settings(home=disk / "home", keys=keys, keep_landing=True, min_free_disk_gib=0)
    write_all(settings.landing, (*reference_lists(), *of_month(MAY)))
    status, _, errors = command(settings, "run")
    assert (status, errors) == (0, "")
    write_all(settings.landing, june_without_order())
    attempts = [attempt(settings, disk / "ballast", room) for room in ROOM_KIB]
    freed = command(settings, "run")[::2]
    sys.stdout.write(
        json.dumps(
            {"attempts": attempts, "freed": freed, "lake": lake_content(settings)}, default=str
        )
    )


if __name__ == "__main__":
    few_tables.obey_switch()
    main(Path(sys.argv[1]), Path(sys.argv[2]))
