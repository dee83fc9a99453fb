"""Files that only their owner may read.

Here: modes and durability of the vault's directories and files. Not here: what the files hold.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from dagster_project.errors import VaultError

_FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def is_open_to_others(status: os.stat_result) -> bool:
    """Whether group or others have any right to the file."""
    return bool(status.st_mode & _FOR_OTHERS)


def make_private_directory(path: Path) -> None:
    """Make a directory with mode 0700; one that exists must have it already.

    Raises:
        VaultError: group or others have rights to it.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if is_open_to_others(path.stat()):
        raise VaultError(
            f"{path} is open to others, and identified data live there;"
            f" find out why, then run: chmod 700 '{path}'"
        )


def fsync_directory(path: Path) -> None:
    """Make the names in a directory durable, as `fsync(2)` asks for after a rename."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def fsync_file(path: Path) -> None:
    """Make a file's bytes durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
