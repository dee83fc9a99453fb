"""What lies in landing: files as the sources sent them.

Here: finding files, telling whose they are, and putting them in order. Not here: reading them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dagster_project.contracts.model import Catalogue, Contract

UNFINISHED_SUFFIXES = (".part", ".tmp", ".filepart", ".crdownload")
_DEPTH_OF_FILES = 2
"""`<source>/<table>/<file>`."""
_CODE_LIKE = re.compile(r"\d{6}[^\d/]{0,3}\d{3}\w")
"""What may be an identity code, however its century mark is written."""


Key = tuple[str, str, int]
"""Source, table and sequence of a delivery."""


@dataclass(frozen=True)
class LandingFile:
    """A file that belongs to a contract and states its sequence."""

    path: Path
    contract: Contract
    sequence: int

    @property
    def key(self) -> Key:
        """What names the delivery in the register."""
        return self.contract.source, self.contract.table, self.sequence

    @property
    def label(self) -> str:
        """How messages name it: by contract and sequence, not by a file name someone chose."""
        return f"{self.contract.key} {self.sequence}"


@dataclass(frozen=True)
class StrayFile:
    """A file no contract claims; it stays where it is."""

    label: str
    rule_id: str
    message: str


@dataclass(frozen=True)
class Landing:
    """Everything in landing: what can be taken in, what is not finished, what is astray."""

    files: tuple[LandingFile, ...]
    unfinished_count: int
    strays: tuple[StrayFile, ...]


def survey(root: Path, catalogue: Catalogue, *, only: str | None = None) -> Landing:
    """List landing; `only` narrows to one contract key.

    Files come out reference data first, then the register, so that a first load meets identities
    and protection orders early, each table's together; the result does not depend on it.
    """
    files: list[LandingFile] = []
    strays: list[StrayFile] = []
    unfinished = 0
    for entry in _entries(root):
        if isinstance(entry, Path) and _is_unfinished(entry.name):
            unfinished += 1
            continue
        claimed = _claim(entry, root, catalogue) if isinstance(entry, Path) else entry
        if isinstance(claimed, StrayFile):
            strays.append(claimed)
        elif only in (None, claimed.contract.key):
            files.append(claimed)
    return Landing(tuple(sorted(files, key=_order)), unfinished, tuple(strays))


def _is_unfinished(name: str) -> bool:
    return name.startswith(".") or name.endswith(UNFINISHED_SUFFIXES)


def _entries(root: Path) -> Iterator[Path | StrayFile]:
    """What lies in landing, in order: everything that is not a folder for a contract's files.

    Links are not followed. A folder that cannot be listed is astray, as is one below a contract's.
    """
    unreadable: list[OSError] = []
    for folder, folders, names in os.walk(root, onerror=unreadable.append):
        is_deep = len(Path(folder).relative_to(root).parts) >= _DEPTH_OF_FILES
        leaves = [
            n for n in folders if is_deep or _is_unfinished(n) or Path(folder, n).is_symlink()
        ]
        folders[:] = sorted(set(folders).difference(leaves))
        yield from (Path(folder, name) for name in sorted([*names, *leaves]))
    for error in unreadable:
        label = safe_name(str(Path(error.filename).relative_to(root)))
        yield _stray(label, "file.unreadable", f"it cannot be listed ({error.strerror}); mend it")


def _order(file: LandingFile) -> tuple[bool, bool, str, int]:
    contract = file.contract
    return (
        contract.register != "public",
        contract.register != "population",
        contract.key,
        file.sequence,
    )


def _claim(path: Path, root: Path, catalogue: Catalogue) -> LandingFile | StrayFile:
    parts = path.relative_to(root).parts
    label = safe_name("/".join(parts))
    key = "/".join(parts[:-1])
    if key not in catalogue.tables():
        where = f"no contract for folder {safe_name(key)!r}" if key else "it lies in no folder"
        known = ", ".join(sorted({name.split("/")[0] for name in catalogue.tables()}))
        return _stray(
            label,
            "file.folder",
            f"{where}; move it to <source>/<table>; sources are: {known} (tables:"
            " `tietoallas status`)",
        )
    sequence = catalogue.latest(key).delivery.sequence_of(path.name)
    if path.is_symlink() or not path.is_file() or sequence is None:
        pattern = catalogue.latest(key).delivery.file_pattern.pattern
        return _stray(
            label, "file.name", f"it is not a plain file with a name of the form {pattern}"
        )
    contract = catalogue.in_force(key, sequence)
    try:
        contract.delivery.last_date(sequence)
    except ValueError:
        return _stray(label, "file.name", "its name states a sequence that is no date")
    return LandingFile(path, contract, sequence)


def _stray(label: str, rule_id: str, why: str) -> StrayFile:
    return StrayFile(label, rule_id, f"{why} [rule {rule_id}]")


def safe_name(name: str) -> str:
    """A file or folder name fit for a message: printable ASCII, identity codes hidden, cut short.

    A name is chosen by whoever sent the file and may hold an identity code or terminal controls.
    """
    printable = "".join(c if c.isascii() and c.isprintable() else "?" for c in name)
    return _CODE_LIKE.sub("??????????", printable)[:120]
