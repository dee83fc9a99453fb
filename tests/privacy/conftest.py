"""A region of a thousand residents, run once as its user would, for tests that only read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from dagster_project import pipeline
from dagster_project.pipeline import Session
from dagster_project.settings import Settings
from dagster_project.synthetic.region import make_deliveries
from dagster_project.vault.keys import demo_keys_path
from tests.support.runs import command, files_under
from tests.support.search import codes_readable_in

COMMANDS = (("run",), ("status",), ("quarantine", "list", "--limit", "1000"), ("maintain",))


@dataclass(frozen=True)
class Region:
    """The installation, what was planted in it, and all that its commands printed."""

    settings: Settings
    """With the demo's keys, which the first command made."""
    manifest: dict[str, Any]
    codes: frozenset[str]
    """Every identity code that any delivery held, valid or not."""
    printed: str


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory) -> Region:
    """Three months up to the first with choice, dirt and all; landing files are not kept."""
    folder = tmp_path_factory.mktemp("region")
    settings = Settings(home=folder / "home", min_free_disk_gib=0)
    manifest = folder / "planted" / "manifest.json"
    make_deliveries(
        settings.landing, residents=1_000, months=3, start_month=201703, manifest=manifest
    )
    codes = set.union(*(codes_readable_in(f.read_bytes()) for f in files_under(settings.landing)))
    printed = []
    for arguments in COMMANDS:
        status, output, errors = command(settings, *arguments)
        assert (status, errors) == (0, "")
        printed.append(output)
    keyed = settings.model_copy(update={"keys": demo_keys_path(settings)})
    return Region(keyed, json.loads(manifest.read_text()), frozenset(codes), "\n".join(printed))


@pytest.fixture(scope="module")
def session(region: Region) -> Iterator[Session]:
    """The region's lake and vault, open."""
    with pipeline.open_session(region.settings) as opened:
        yield opened
