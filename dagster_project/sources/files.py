"""Files while they are read: as they lie in landing, and in memory where they are turned into text.

Here: opening them, and names under which DuckDB finds them. Not here: what is in them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from dagster_project.errors import DeliveryRefused

_DESCRIPTORS = Path("/proc/self/fd")


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A delivery's bytes.

    Raises:
        DeliveryRefused: the file cannot be had.
    """
    try:
        source = path.open("rb")
    except OSError as error:
        raise DeliveryRefused(
            "file.unreadable",
            f"the file cannot be read ({error.strerror}); mend it, then run again",
        ) from None
    with source:
        yield source


def by_descriptor(source: BinaryIO, path: Path) -> Path:
    """The open file under a path that DuckDB takes literally: the home's may hold `*` or `[`."""
    return _DESCRIPTORS / str(source.fileno()) if _DESCRIPTORS.is_dir() else path


@contextmanager
def memory_file(temp: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A file that is on no disk, to write to, and its path; flush it before another reads it.

    A file in `temp` where the system has no memory files.
    """
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("delivery")
        with os.fdopen(descriptor, "wb") as handle:
            yield handle, _DESCRIPTORS / str(descriptor)
        return
    with tempfile.NamedTemporaryFile(dir=temp) as named:
        yield cast("BinaryIO", named.file), Path(named.name)
