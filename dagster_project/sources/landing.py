"""What lies in landing: files as the sources sent them.

Here: finding files, telling whose they are, and putting them in order. Not here: reading them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from dagster_project.contracts.model import Catalogue, Contract

UNFINISHED_SUFFIXES = (".part", ".tmp", ".filepart", ".crdownload")


@dataclass(frozen=True)
class LandingFile:
    """A file that belongs to a contract and states its sequence."""

    path: Path
    contract: Contract
    sequence: int

    @property
    def label(self) -> str:
        """How messages name the delivery: by contract and sequence, not by a file name someone chose."""
        return f"{self.contract.key} {self.sequence}"


@dataclass(frozen=True)
class StrayFile:
    """A file no contract claims; it stays where it is."""

    label: str
    rule_id: str
    message: str


@dataclass(frozen=True)
class Landing:
    """Everything in landing, sorted into what can be taken in, what is not finished and what is astray."""

    files: tuple[LandingFile, ...]
    unfinished_count: int
    strays: tuple[StrayFile, ...]


def survey(root: Path, catalogue: Catalogue, *, only: str | None = None) -> Landing:
    """List landing; `only` narrows to one contract key.

    Files come out reference data first, then the register, then by sequence, so that a first load
    meets identities and protection orders early; the result does not depend on it.
    """
    files: list[LandingFile] = []
    strays: list[StrayFile] = []
    unfinished = 0
    for path in sorted(p for p in root.rglob("*") if p.is_file() or p.is_symlink()):
        if path.name.startswith(".") or path.name.endswith(UNFINISHED_SUFFIXES):
            unfinished += 1
            continue
        sorted_file = _claim(path, root, catalogue)
        if isinstance(sorted_file, StrayFile):
            strays.append(sorted_file)
        elif only in (None, sorted_file.contract.key):
            files.append(sorted_file)
    return Landing(tuple(sorted(files, key=_order)), unfinished, tuple(strays))


def _order(file: LandingFile) -> tuple[bool, bool, int, str]:
    contract = file.contract
    return (
        contract.register != "public",
        contract.register != "population",
        file.sequence,
        contract.key,
    )


def _claim(path: Path, root: Path, catalogue: Catalogue) -> LandingFile | StrayFile:
    parts = path.relative_to(root).parts
    label = safe_name("/".join(parts))
    key = "/".join(parts[:-1])
    if key not in catalogue.tables():
        known = ", ".join(catalogue.tables())
        return StrayFile(
            label, "file.folder", f"no contract for folder {safe_name(key)!r}; known are: {known}"
        )
    sequence = catalogue.latest(key).delivery.sequence_of(path.name)
    if path.is_symlink() or sequence is None:
        pattern = catalogue.latest(key).delivery.file_pattern.pattern
        return StrayFile(
            label, "file.name", f"{label} is not a plain file with a name of the form {pattern}"
        )
    contract = catalogue.in_force(key, sequence)
    try:
        contract.delivery.last_date(sequence)
    except ValueError:
        return StrayFile(label, "file.name", f"{label} states a sequence that is no date")
    return LandingFile(path, contract, sequence)


def safe_name(name: str) -> str:
    """A file or folder name fit for a message: printable ASCII, cut short, digits of long runs hidden.

    A name is chosen by whoever sent the file and may hold an identity code or terminal controls.
    """
    printable = "".join(c if c.isascii() and c.isprintable() else "?" for c in name)
    words = printable.split("/")
    return "/".join(_masked(word) for word in words)[:120]


def _masked(word: str) -> str:
    """Hide a word that could hold an identity code: six digits followed by four more characters."""
    return re.sub(r"\d{6}[-+A-Za-z]\d{3}\w", "??????????", word)
