"""Who may read which folder of a release: modes and groups, set when it is sealed, and checked.

Here: shelves and their modes. Not here: what lies on them (`release`), taking persons off them
(`withdrawal`).
"""

from __future__ import annotations

import grp
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dagster_project.errors import SettingsError
from dagster_project.private_files import fsync_directory
from dagster_project.publish.withdrawal import PERSON_LEVEL
from dagster_project.settings import Settings

CONTROLLER = "controller"
"""The exact ledger, for those who pay and audit."""
INTERNAL = "internal"
PUBLIC = "public"


@dataclass(frozen=True)
class Access:
    """Modes of a folder and its files, and the group that they belong to, where one is set."""

    folder_mode: int
    file_mode: int
    group: str | None = None


_ALL = Access(0o755, 0o444)
_OWNER = Access(0o700, 0o400)


def accesses(settings: Settings) -> Mapping[str, Access]:
    """Access by the first folder of a release; what is not named is for all to read.

    Internal figures and the ledger are for their groups. Files that tell of single persons are for
    their owner alone, or for the group that is set for that shelf, never for others.
    """
    groups = settings.reader_groups
    narrow = {INTERNAL, CONTROLLER, *PERSON_LEVEL}
    return {
        shelf: Access(0o750, 0o440, groups[shelf]) if shelf in groups else _OWNER
        for shelf in narrow
    }


def access_of(path: Path, release: Path, by_shelf: Mapping[str, Access]) -> Access:
    """Access of a file or folder of a release."""
    parts = path.relative_to(release).parts
    return by_shelf.get(parts[0], _ALL) if parts else _ALL


def seal(folder: Path, release: Path, by_shelf: Mapping[str, Access], *, shelf: str = "") -> None:
    """Flush every file, set modes and groups, and leave nothing that can be written in place.

    Args:
        folder: What to seal, below or equal to the next.
        release: Whose shelves the paths are judged by.
        by_shelf: Who may read.
        shelf: What the folder will be, where it is not named so yet.

    Raises:
        SettingsError: a group is not there, or the files may not be given to it.
    """

    def access(path: Path) -> Access:
        return by_shelf[shelf] if shelf else access_of(path, release, by_shelf)

    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as handle:
                os.fsync(handle.fileno())
            _set(path, access(path))
    for directory in (*sorted(p for p in folder.rglob("*") if p.is_dir()), folder):
        _set(directory, access(directory))
        fsync_directory(directory)


def is_sealed_as(path: Path, access: Access) -> bool:
    """Whether a file has these modes and group already, so that another release may share it."""
    found = path.stat()
    is_group = access.group is None or path.group() == access.group
    return stat.S_IMODE(found.st_mode) == access.file_mode and is_group


def _set(path: Path, access: Access) -> None:
    if access.group is not None:
        try:
            os.chown(path, -1, grp.getgrnam(access.group).gr_gid)
        except (KeyError, PermissionError):
            raise SettingsError(
                f"files cannot be given to group {access.group};"
                " make the group, put this account in it, or change TIETOALLAS_READER_GROUPS"
            ) from None
    path.chmod(access.folder_mode if path.is_dir() else access.file_mode)


def too_open(release: Path, by_shelf: Mapping[str, Access]) -> Iterator[Path]:
    """Files and folders of a release that others than its readers may read, or anyone write."""
    for path in (release, *sorted(release.rglob("*"))):
        access = access_of(path, release, by_shelf)
        allowed = access.folder_mode if path.is_dir() else access.file_mode
        found = stat.S_IMODE(path.stat().st_mode)
        is_others = access.group is not None and path.group() != access.group
        if found & ~allowed or is_others:
            yield path
