"""What every test may use: Hypothesis profiles, a fresh home with keys, the published data files.

Here: fixtures that more than one folder needs. Not here: what one folder needs (its own conftest).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.vault.keys import create_keyring

hypothesis_settings.register_profile("default", max_examples=50, deadline=None, print_blob=True)
hypothesis_settings.register_profile("deep", max_examples=500, deadline=None, print_blob=True)


def pytest_configure() -> None:
    """Keep the caller's own installation out of the tests."""
    for name in [n for n in os.environ if n.startswith(("TIETOALLAS_", "DAGSTER_"))]:
        del os.environ[name]
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"
    hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


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


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the published data files, which do not come with the repository."""
    folder = PROJECT_ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(
            "the published files are not in ../shared/data; README.md says where to get them"
        )
    return folder


WHOLE_RUNS = frozenset(
    {
        "bad_input/test_whole_run.py",
        "faults/test_kill_points.py",
        "faults/test_readers.py",
        "faults/test_writer_lock.py",
        "pipeline/test_backup.py",
        "pipeline/test_bring_your_own.py",
        "pipeline/test_changed_definitions.py",
        "pipeline/test_code_lists.py",
        "pipeline/test_contract_versions.py",
        "pipeline/test_dagster_home.py",
        "pipeline/test_published_files.py",
        "pipeline/test_restore.py",
        "pipeline/test_rights.py",
        "pipeline/test_sources_added.py",
        "privacy/test_as_sent.py",
        "privacy/test_documents_as_sent.py",
        "privacy/test_free_text.py",
        "privacy/test_network_cut.py",
        "property/test_formats_alike.py",
        "property/test_scaffold.py",
    }
)
"""Each test builds all models over a home of its own: too slow for every commit since there are 63
models; `make test-deep` runs them until a run over a few tables is enough for them."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests of whole runs into the deep tier."""
    tests = Path(__file__).parent
    for item in items:
        if item.path.relative_to(tests).as_posix() in WHOLE_RUNS:
            item.add_marker(pytest.mark.deep)
