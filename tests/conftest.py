"""What every test may use: Hypothesis profiles, a fresh home with keys, the published data files.

Here: fixtures that more than one folder needs. Not here: what one folder needs (its own conftest).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from xdist.scheduler import LoadFileScheduling

from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.vault.keys import create_keyring
from tests.support import few_tables as few

READ_A_REGION = {
    *("test_conservation", "test_manifest"),
    *("test_free_text", "test_keys", "test_network_cut", "test_planted_identities"),
    *("test_omop", "test_protection_orders"),
}
"""Files that ask for the `region` of their folder's conftest."""

# The same examples every time, so that what passes here passes there; the deep tier looks for new.
hypothesis_settings.register_profile(
    "default", max_examples=50, deadline=None, print_blob=True, derandomize=True
)
hypothesis_settings.register_profile("deep", max_examples=500, deadline=None, print_blob=True)


def pytest_configure() -> None:
    """Keep the caller's own installation out of the tests."""
    for name in [n for n in os.environ if n.startswith(("TIETOALLAS_", "DAGSTER_"))]:
        del os.environ[name]
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"
    profile = os.environ.get("HYPOTHESIS_PROFILE", "default")
    hypothesis_settings.load_profile(profile)
    if profile == "default":
        # Over a few rows a second thread doubles the processor time; the deep tier has them all.
        os.environ["TIETOALLAS_THREADS"] = "1"


def scope_of(nodeid: str) -> str:
    """What one worker runs: a file, or the files of a folder that read its one costly region."""
    file = Path(nodeid.split("::", 1)[0])
    return f"{file.parent} region" if file.stem in READ_A_REGION else str(file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """Have no region built twice."""
    scheduler = LoadFileScheduling(config, log)
    scheduler._split_scope = scope_of
    return scheduler


@pytest.fixture(scope="session", autouse=True)
def own_state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the demo's keys out of the caller's home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of an empty home with a fresh key file beside it."""
    keys = tmp_path / "keys"
    create_keyring(keys)
    return Settings(home=tmp_path / "home", keys=keys)


@pytest.fixture(scope="module")
def few_tables() -> Iterator[None]:
    """Have few tables be all that is installed: `usefixtures` of tests of whole runs."""
    with pytest.MonkeyPatch.context() as patch:
        few.install(patch)
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the published data files, which do not come with the repository."""
    folder = PROJECT_ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(
            "the published files are not in ../shared/data; README.md says where to get them"
        )
    return folder
