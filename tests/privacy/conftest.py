"""A region of a thousand residents, run once as its user would, for tests that only read it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from dagster_project import pipeline
from dagster_project.pipeline import Session
from dagster_project.settings import Settings
from dagster_project.synthetic.region import make_deliveries
from dagster_project.vault.keys import demo_keys_path
from tests.support.runs import can_run, command, files_under
from tests.support.search import codes_readable_in

MONTHS = 5
"""Up to May 2017, the first month with choice and the second of a newer encounter contract."""
THE_DEMO = ("run", "--residents", "1000", "--months", str(MONTHS))
OTHER_COMMANDS = (
    ("status",),
    ("quarantine", "list", "--limit", "1000"),
    ("quality", "report"),
    ("quality", "supplier", "apotti"),
)
NO_NETWORK = ("unshare", "--map-root-user", "--net")
"""Linux: a network of one's own in which there is no way out."""


@dataclass(frozen=True)
class Region:
    """The installation, what was planted in it, and all that its commands printed."""

    settings: Settings
    """With the demo's keys, which the first command made."""
    temporary: Path
    """Where the system keeps temporary files."""
    manifest: dict[str, Any]
    codes: frozenset[str]
    """Every identity code that any delivery held, valid or not."""
    deliveries: frozenset[str]
    """SHA-256 of each delivery as it was sent."""
    printed: str
    had_no_network: bool


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory) -> Region:
    """The demo of a thousand residents, dirt and all, made and run by one command."""
    folder = tmp_path_factory.mktemp("region")
    settings = Settings(home=folder / "home", min_free_disk_gib=0)
    temporary, twin = folder / "temporary", folder / "twin"
    temporary.mkdir()
    # What the demo will make, since the same seed gives the same bytes.
    make_deliveries(twin / "landing", residents=1_000, months=MONTHS, manifest=twin / "manifest")
    sent = [file.read_bytes() for file in files_under(twin / "landing")]
    cut = NO_NETWORK if can_run(*NO_NETWORK, "true") else ()
    prefix = (*cut, "env", f"TMPDIR={temporary}")
    printed = [output_of(settings, arguments, prefix) for arguments in (THE_DEMO, *OTHER_COMMANDS)]
    return Region(
        settings=settings.model_copy(update={"keys": demo_keys_path(settings)}),
        temporary=temporary,
        manifest=json.loads((twin / "manifest").read_text()),
        codes=frozenset(set.union(*map(codes_readable_in, sent))),
        deliveries=frozenset(sha256(data).hexdigest() for data in sent),
        printed="\n".join(printed),
        had_no_network=bool(cut),
    )


def output_of(settings: Settings, arguments: Sequence[str], prefix: Sequence[str]) -> str:
    """What a command prints, which must succeed without complaint."""
    status, output, errors = command(settings, *arguments, prefix=prefix)
    assert (status, errors) == (0, "")
    return output


@pytest.fixture(scope="module")
def session(region: Region) -> Iterator[Session]:
    """The region's lake and vault, open."""
    with pipeline.open_session(region.settings) as opened:
        yield opened
