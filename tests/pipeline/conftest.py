"""Lakes that tests of this folder only read: built once.

Here: the synthetic region after a whole run. Not here: lakes that a test changes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dagster_project import pipeline
from dagster_project.pipeline import Ingested, Session
from dagster_project.synthetic.region import make_deliveries
from tests.support.homes import build, new_settings, silent


@dataclass(frozen=True)
class Region:
    """A synthetic region that has gone through the pipeline."""

    session: Session
    landing: Path
    manifest: dict[str, Any]
    ingested: Ingested


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    """1 000 residents from January to December 2017, both turns of the clock; landing stays."""
    folder = tmp_path_factory.mktemp("region")
    settings = new_settings(folder, keep_landing=True)
    manifest = folder / "manifest.json"
    make_deliveries(settings.landing, residents=1_000, months=12, manifest=manifest)
    with pipeline.open_session(settings) as session:
        ingested = pipeline.ingest(session, report=silent)
        build(session)
        planted = json.loads(manifest.read_text(encoding="utf-8"))
        yield Region(session, settings.landing, planted, ingested)
