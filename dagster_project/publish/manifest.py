"""What a release says of itself: its files, and what they were made from.

Here: the manifest as values, read and written; which release is current. Not here: making a release
(`release`), comparing two (`history`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from dagster_project.publish.withdrawal import MANIFEST

CURRENT = "current"


@dataclass(frozen=True)
class PublishedTable:
    """One flat file of a release."""

    path: str
    row_count: int
    byte_count: int
    sha256: str
    redacted_count: int = 0
    """Cells that disclosure control left out."""
    rests_on: tuple[str, ...] = ()
    """Names among the release's inputs."""


@dataclass(frozen=True)
class Inputs:
    """What the tables of a release were made from, by name."""

    data: Mapping[str, int] = field(default_factory=dict)
    """Newest event in the register by delivered table; of the ledger its newest run."""
    rulebooks: Mapping[str, str] = field(default_factory=dict)
    """Digests; contracts of deliveries and of outputs are among them."""
    code: Mapping[str, str] = field(default_factory=dict)
    """Digests of queries by model; of disclosure control."""


@dataclass(frozen=True)
class Release:
    """A release and what it was made from."""

    release_id: str
    build_id: int
    build_run_id: str
    snapshot_id: int
    protection_count: int
    tables: tuple[PublishedTable, ...]
    definition_sha256: str = ""
    """Of contracts, rulebooks and code."""
    code_version: str = ""
    reached_date: str = ""
    """Last day that any monthly delivery covers: how old the data are."""
    disclosure_override: str = ""
    """Why more is told than the platform's own limits allow; empty where it is not."""
    inputs: Inputs = field(default_factory=Inputs)


def write_manifest(directory: Path, release: Release) -> None:
    """Write what a release says of itself."""
    text = json.dumps(asdict(release), indent=2) + "\n"
    (directory / MANIFEST).write_text(text, encoding="utf-8")


def read_manifest(directory: Path) -> Release:
    """What a release says of itself; one of an older version says less."""
    document = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
    tables = tuple(
        PublishedTable(**(table | {"rests_on": tuple(table.get("rests_on", ()))}))
        for table in document.pop("tables")
    )
    inputs = Inputs(**document.pop("inputs", {}))
    return Release(**document, tables=tables, inputs=inputs)


def current_directory(published: Path) -> Path | None:
    """The release that readers see, or None where there is none."""
    link = published / CURRENT
    return link.resolve() if link.exists() else None
