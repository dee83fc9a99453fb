"""Lakes that tests of this folder only read: built once.

Here: the synthetic region after a whole run. Not here: lakes that a test changes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def built_region(folder: Path, *, months: int) -> Iterator[Region]:
    """Deliveries of 1 000 residents, taken in and built; the landing files stay."""
    settings = new_settings(folder, keep_landing=True)
    manifest = folder / "manifest.json"
    make_deliveries(settings.landing, residents=1_000, months=months, manifest=manifest)
    with pipeline.open_session(settings) as session:
        ingested = pipeline.ingest(session, report=silent)
        build(session)
        planted = json.loads(manifest.read_text(encoding="utf-8"))
        yield Region(session, settings.landing, planted, ingested)


@pytest.fixture(scope="session")
def half_year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    """January to June 2017."""
    with built_region(tmp_path_factory.mktemp("half_year"), months=6) as region:
        yield region


@pytest.fixture(scope="session")
def whole_year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    """January to December 2017: both turns of the clock."""
    with built_region(tmp_path_factory.mktemp("whole_year"), months=12) as region:
        yield region


@pytest.fixture(scope="session", params=["half_year", "whole_year"])
def region(request: pytest.FixtureRequest) -> Region:
    """Either region."""
    found: Region = request.getfixturevalue(request.param)
    return found
