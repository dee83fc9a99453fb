"""Person-level files of releases that hold what they may not: gone before anything is built.

A protection order takes them from the releases made before it, an erasure from all.

Here: removing them, from the current release too, so that no reader waits for the next green build.
Not here: protection orders themselves (`lake.protection`), or making releases (`release`).
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

GUIDANCE = "guidance"
"""Folder of what reaches client guides."""
PERSON_LEVEL = ("analyst", "omop", GUIDANCE)
"""Folders of a release that tell of single persons."""
MANIFEST = "manifest.json"


def withdraw_person_level(published: Path, *, protection_count: int) -> list[str]:
    """Take person-level files out of every release that has seen fewer protection orders.

    Returns:
        The releases that had any.
    """
    older = [
        directory
        for directory in complete_releases(published / "releases")
        if json.loads((directory / MANIFEST).read_text(encoding="utf-8"))["protection_count"]
        < protection_count
    ]
    return [directory.name for directory in older if _remove_person_level(directory)]


def withdraw_all_person_level(published: Path) -> list[str]:
    """Take person-level files out of every release, somebody having been erased; which had any."""
    standing = complete_releases(published / "releases")
    return [directory.name for directory in standing if _remove_person_level(directory)]


def _remove_person_level(directory: Path) -> bool:
    there = [directory / name for name in PERSON_LEVEL if (directory / name).exists()]
    for path in there:
        remove(path)
    return bool(there)


def complete_releases(releases: Path) -> list[Path]:
    """Releases that have a manifest, oldest first."""
    if not releases.is_dir():
        return []
    named = (p for p in releases.iterdir() if not p.name.startswith("."))
    return sorted(p for p in named if (p / MANIFEST).exists())


def remove(directory: Path) -> None:
    """Remove a directory such that a crash leaves it whole, or under a name that is swept up."""
    if not directory.exists():
        return
    doomed = directory.with_name(f".staging-{directory.name}")
    if doomed.exists():
        shutil.rmtree(doomed)
    directory.rename(doomed)
    shutil.rmtree(doomed)
